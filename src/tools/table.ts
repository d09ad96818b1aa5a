import type { DocumentView } from 'moe-debugger/protocol';
import type { ITranslation } from '../translation';
import type { IToolKind } from './tool';

export interface IToolRow<Name extends string> {
  /** Name of the tool's section in the side panel and of its command. */
  title: (trans: ITranslation) => string;
  /** Loads the tool's code, when the tool is first shown. */
  load: () => Promise<{ default: IToolKind<Name> }>;
}

/**
 * All tools, and findings, which are stored in the same form. Outputs, widgets, the side panel and commands read this
 * table; a tool is registered nowhere else on the page. It is loaded when JupyterLab starts, so it imports only types.
 */
export const TOOLS: { [Name in DocumentView]: IToolRow<Name> } = {
  experts: {
    title: trans => trans.__('Expert selector'),
    load: () => import('./experts')
  },
  lens: {
    title: trans => trans.__('Layer lens'),
    load: () => import('./lens')
  },
  attribution: {
    title: trans => trans.__('Token attribution'),
    load: () => import('./attribution')
  },
  circuit: {
    title: trans => trans.__('Circuit'),
    load: () => import('./circuit')
  },
  steering: {
    title: trans => trans.__('Steering'),
    load: () => import('./steering')
  },
  sweep: {
    title: trans => trans.__('Sweep'),
    load: () => import('./sweep')
  },
  findings: {
    title: trans => trans.__('Findings'),
    load: () => import('../findings')
  }
};

export async function loadTool(name: DocumentView): Promise<IToolKind> {
  return (await TOOLS[name].load()).default;
}
