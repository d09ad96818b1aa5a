/**
 * Messages of the comm target `moe-debugger`, by which the sidebar follows a kernel.
 *
 * The front end opens the comm with `OpenData`. The kernel answers `hello`, then sends `state` at once and
 * after each change while subscribed. `get-trace` is answered by `trace` or `error` with the same `request`.
 * `diagnose` is answered by `findings` or `findings-error` with the same `request`, `draw` by `figure` or `figure-error`.
 * `open-tool` makes a tool for a model, which then tells of each change of its state (see `tools.ts`).
 * Binary arrays travel as buffers: the message's `data` has `bufferPaths` (see `buffers.ts`).
 */
import type { Coverage } from './routing';
import type { FigureName, TraceFigure } from './figure';
import type { FindingsState } from './findings-view';
import type { Ability, ToolAnswer, ToolRequest } from './tools';
import type { EncodedView } from './view';

export interface OpenData {
  version: number;
}

export interface ModelSummary {
  id: string;
  name: string;
  path: string;
  /** One entry a router, in graph order, in words: "layer 0". */
  layers: string[];
  experts: number;
  topK: number;
  status: 'loading' | 'ready' | 'running' | 'disposed';
}

export interface TraceSummary {
  id: string;
  modelId: string;
  model: string;
  /** The start of the prompt, or "12 token ids". */
  label: string;
  samples: number;
  coverage: Coverage;
  /** Milliseconds since the epoch. */
  created: number;
  /** Edits that the run was made with; absent for none. */
  edits?: number;
}

export type ToKernel =
  | { type: 'subscribe' }
  /** While a panel is hidden: no `state` is sent. */
  | { type: 'unsubscribe' }
  | { type: 'get-trace'; request: number; id: string }
  | { type: 'diagnose'; request: number; id: string }
  | {
      type: 'draw';
      request: number;
      /** Of the trace. */
      id: string;
      name: FigureName;
      /** Among the layers of the trace. */
      layerIndex: number;
    }
  | ToolRequest;

export type FromKernel =
  | { type: 'hello'; version: number; package: string; tools: Ability[] }
  /** Newest trace first. */
  | { type: 'state'; models: ModelSummary[]; traces: TraceSummary[] }
  | {
      type: 'trace';
      request: number;
      view: EncodedView;
      bufferPaths: (string | number)[][];
    }
  | { type: 'findings'; request: number; state: FindingsState }
  | { type: 'findings-error'; request: number; message: string }
  | { type: 'figure'; request: number; state: TraceFigure }
  | { type: 'figure-error'; request: number; message: string }
  | ToolAnswer
  | { type: 'error'; request?: number; message: string };
