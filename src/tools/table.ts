import type { DocumentView } from 'moe-debugger/protocol';
import type { ITranslation } from '../translation';
import type { IToolKind } from './tool';

interface IToolRow {
  /** What sections of the side panel and commands call it. */
  title: (trans: ITranslation) => string;
  /** What draws it is loaded when one is first shown. */
  load: () => Promise<{ default: IToolKind }>;
}

/**
 * All tools, and findings, which are stored as tools are. Outputs, widgets, the side panel and commands read this
 * table: a tool is wired nowhere else on the page. It is loaded when JupyterLab starts, so it imports no more than types.
 */
export const TOOLS: Record<DocumentView, IToolRow> = {
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
