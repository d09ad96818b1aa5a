/**
 * Tools: interactive views of a model while its kernel runs; without a kernel they show their last state. The state is
 * plain JSON and lives in the kernel, which sends changes key by key; a page sends actions.
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

/** Stored in the same form as tools; findings have no actions. */
const DOCUMENT_VIEWS = [...TOOL_NAMES, 'findings'] as const;
export type DocumentView = (typeof DOCUMENT_VIEWS)[number];

/** Abilities of a kernel besides traces: a panel may be newer or older than the kernel. */
export type Ability = DocumentView | (typeof OTHER_ABILITIES)[number];
const OTHER_ABILITIES = [
  'figures',
  'live',
  'tokens',
  'elements',
  'profile'
] as const;

/** Common state of all tools. */
export interface ToolState {
  /** The model is working for this tool; a cancel action stops that. */
  running: boolean;
}

/** A tool as stored in a notebook, under our MIME type. */
export interface ToolDocument<View extends string = DocumentView> {
  version: number;
  view: View;
  /** Name of the model. */
  model: string;
  state: unknown;
  /** Id of the live widget model of this output, if a kernel created one. */
  widget?: string;
}

export function toolDocument<View extends string>(
  view: View,
  model: string,
  state: object,
  widget?: string
): ToolDocument<View> {
  return {
    version: PROTOCOL_VERSION,
    view,
    model,
    state,
    ...(widget === undefined ? {} : { widget })
  };
}

/** Whether a document is a tool's rather than a routing view's. */
export function isToolDocument(value: unknown): boolean {
  return isDocumentView((value as Partial<ToolDocument> | null)?.view);
}

export function isDocumentView(value: unknown): value is DocumentView {
  return DOCUMENT_VIEWS.includes(value as DocumentView);
}

export function isAbility(value: unknown): value is Ability {
  return (
    isDocumentView(value) || OTHER_ABILITIES.some(ability => ability === value)
  );
}

export function isToolName(value: unknown): value is ToolName {
  return TOOL_NAMES.includes(value as ToolName);
}

/**
 * Validates a tool's document, except its state, which the tool validates.
 * @throws ProtocolError naming what is invalid
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

/** Requests to a tool over the comm of the side panel. `tool` is a number chosen by the page. */
export type ToolRequest =
  | { type: 'open-tool'; tool: number; name: ToolName; modelId: string }
  | { type: 'act'; tool: number; action: unknown }
  | { type: 'close-tool'; tool: number };

/** What became of the actions of a tool: it tells a page whether the last one still waits. Not part of the stored state. */
export interface ToolReception {
  /** Actions that the kernel has received for the tool. */
  acted: number;
  /** The engine, which serves one request after the other, serves others before the tool's task. */
  queued: boolean;
}

/** `patch` holds the changed keys of the state, and `ToolReception`; the first answer to `open-tool` holds the whole state. */
export type ToolAnswer =
  | { type: 'tool'; tool: number; patch: Record<string, unknown> }
  | { type: 'tool-error'; tool: number; message: string };
