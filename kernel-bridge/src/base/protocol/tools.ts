/**
 * Tools: views that work on a model while its kernel runs, and show what they last held when it does not. A tool's
 * state is plain JSON. It lives in the kernel, which sends what changes, key by key; a page sends actions.
 */
import { ProtocolError } from './error';
import { PROTOCOL_VERSION } from './names';
import { checkVersion } from './view';

export const TOOL_NAMES = [
  'experts',
  'lens',
  'attribution',
  'circuit',
  'steering',
  'sweep'
] as const;
export type ToolName = (typeof TOOL_NAMES)[number];

/** What is stored as tools are: also findings, which nothing works on once they are made. */
const DOCUMENT_VIEWS = [...TOOL_NAMES, 'findings'] as const;
export type DocumentView = (typeof DOCUMENT_VIEWS)[number];

/** What a kernel can be asked for, beside traces: a panel may be newer, or older. */
export type Ability = DocumentView | 'figures';

/** What the states of all tools have. */
export interface ToolState {
  /** The model works for this tool now; an action to cancel ends that. */
  running: boolean;
}

/** A tool as it is stored in a notebook, under our MIME type. */
export interface ToolDocument {
  version: number;
  view: DocumentView;
  /** The model's name. */
  model: string;
  state: unknown;
  /** Model id of the live widget behind this output, if a kernel made one. */
  widget?: string;
}

export function toolDocument(
  view: DocumentView,
  model: string,
  state: object,
  widget?: string
): ToolDocument {
  return {
    version: PROTOCOL_VERSION,
    view,
    model,
    state,
    ...(widget === undefined ? {} : { widget })
  };
}

/** Whether a document says that it is a tool's, and not a routing view's. */
export function isToolDocument(value: unknown): boolean {
  return isDocumentView((value as Partial<ToolDocument> | null)?.view);
}

export function isDocumentView(value: unknown): value is DocumentView {
  return DOCUMENT_VIEWS.includes(value as DocumentView);
}

export function isAbility(value: unknown): value is Ability {
  return isDocumentView(value) || value === 'figures';
}

export function isToolName(value: unknown): value is ToolName {
  return TOOL_NAMES.includes(value as ToolName);
}

/**
 * Reads a tool's document, but not the state in it, which the tool itself reads.
 * @throws ProtocolError naming what is wrong
 */
export function decodeToolDocument(value: unknown): ToolDocument {
  const source = value as Partial<ToolDocument> | null;
  if (
    typeof source !== 'object' ||
    source === null ||
    typeof source.version !== 'number' ||
    !isDocumentView(source.view)
  ) {
    throw new ProtocolError('this output is not a view of the MoE Debugger');
  }
  checkVersion(source.version);
  return {
    version: source.version,
    view: source.view,
    model: typeof source.model === 'string' ? source.model.slice(0, 200) : '',
    state: source.state,
    ...(typeof source.widget === 'string' ? { widget: source.widget } : {})
  };
}

/** How a tool is reached over the comm of the side panel. `tool` is a number that the page chooses. */
export type ToolRequest =
  | { type: 'open-tool'; tool: number; name: ToolName; modelId: string }
  | { type: 'act'; tool: number; action: unknown }
  | { type: 'close-tool'; tool: number };

/** `patch` holds the keys of the state that changed: all of them in the first answer to `open-tool`. */
export type ToolAnswer =
  | { type: 'tool'; tool: number; patch: Record<string, unknown> }
  | { type: 'tool-error'; tool: number; message: string };
