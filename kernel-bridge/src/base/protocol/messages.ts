/**
 * Messages between a kernel and a client that follows it. What carries them is free; the side panel uses a comm of the
 * target `moe-debugger`.
 *
 * The client connects, the panel with `OpenData`. The kernel answers `hello`, then sends `state` at once and
 * after each change while subscribed. `get-trace` is answered by `trace` or `error` with the same `request`.
 * A trace in the making (`running`) is answered with the tokens so far; with `follow`, each `rows` adds those that were run
 * since, until the client says `unfollow`, or the trace is finished: `state` then lists it without `running`. The client
 * says with `drawn` which message it has come to; a client that does not say so gets a few messages, and then none. Rows
 * that could not be sent in time go together, and a message that would be too large is thinned (see `rows.ts`).
 * `diagnose` is answered by `findings` or `findings-error` with the same `request`, `draw` by `figure` or `figure-error`.
 * `profile` is answered by where the time of a forward pass goes, unless `cancel` ends it before.
 * `elements` is answered by the parts of a model, `expert` by the stored weights of one expert.
 * `outline` is answered by the samples and loads of a trace, `list-tokens` by a page of its tokens.
 * `open-tool` makes a tool for a model, which then tells of each change of its state (see `tools.ts`).
 * A message that cannot be read is answered by the error of its question, or by `error`.
 * Either side may number its messages, and an answer says which message it answers (see `Envelope`).
 * Binary arrays travel as buffers: the message's `data` has `bufferPaths` (see `buffers.ts`).
 */
import type { Coverage } from './routing';
import type { ExpertElement, ModelElement } from './elements';
import type { FigureName, TraceFigure } from './figure';
import type { FindingsState } from './findings-view';
import type { PreviousEnd } from './previous-end';
import type { ProfileDocument } from './profile';
import type { EncodedRows } from './rows';
import type { RunStep } from './steps';
import type { Ability, ToolAnswer, ToolRequest } from './tools';
import type { EncodedTokenPage, TokenQuestion } from './token-page';
import type { EncodedOutline } from './trace-outline';
import type { EncodedView } from './view';

export interface OpenData {
  version: number;
}

/** What any message may have, in both directions. The kernel numbers all that it sends. */
export interface Envelope {
  /** The sender's own number of this message. */
  messageId?: number;
  /** Of an answer: the number that the other side gave the message that is answered. */
  replyTo?: number;
}

export interface ModelSummary {
  id: string;
  name: string;
  path: string;
  /** One name per router, in graph order: "layer 0". */
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
  /** Number of edits of the run; absent for none. */
  edits?: number;
  /** The trace is in the making: more tokens come. */
  running?: true;
}

export type ToKernel =
  | { type: 'subscribe' }
  /** Sent when a panel is hidden: no `state` follows. */
  | { type: 'unsubscribe' }
  | { type: 'get-trace'; request: number; id: string; follow?: boolean }
  | { type: 'drawn'; id: string; batch: number }
  | { type: 'unfollow'; id: string }
  | { type: 'diagnose'; request: number; id: string }
  | {
      type: 'draw';
      request: number;
      /** Id of the trace. */
      id: string;
      name: FigureName;
      /** Index into the layers of the trace. */
      layerIndex: number;
    }
  | { type: 'outline'; request: number; id: string }
  | ({ type: 'list-tokens'; request: number; id: string } & TokenQuestion)
  /** `id` is the model's. */
  | { type: 'elements'; request: number; id: string }
  | {
      type: 'expert';
      request: number;
      /** Id of the model. */
      id: string;
      /** Index into the routers of the model. */
      layerIndex: number;
      expert: number;
    }
  | {
      type: 'profile';
      request: number;
      /** Id of the model. */
      id: string;
      /** Id of the trace whose sample is run. */
      trace: string;
      /** Index into the samples. */
      sample: number;
    }
  /** Ends the work of a question that takes long. */
  | { type: 'cancel'; request: number }
  | ToolRequest;

export type FromKernel =
  | {
      type: 'hello';
      version: number;
      package: string;
      tools: Ability[];
      /** How the kernel before this one ended, if it was not shut down. */
      previousEnd?: PreviousEnd;
    }
  /** Newest trace first. */
  | { type: 'state'; models: ModelSummary[]; traces: TraceSummary[] }
  | {
      type: 'trace';
      request: number;
      view: EncodedView;
      bufferPaths: (string | number)[][];
      /** The steps of the first sample, where the trace comes from a run. */
      steps?: RunStep[];
    }
  | {
      type: 'rows';
      /** The number for `drawn`: of this trace for this client, from 1. */
      batch: number;
      rows: EncodedRows;
      bufferPaths: (string | number)[][];
    }
  | { type: 'findings'; request: number; state: FindingsState }
  | { type: 'findings-error'; request: number; message: string }
  | { type: 'figure'; request: number; state: TraceFigure }
  | { type: 'figure-error'; request: number; message: string }
  | {
      type: 'outline';
      request: number;
      state: EncodedOutline;
      bufferPaths: (string | number)[][];
    }
  | { type: 'outline-error'; request: number; message: string }
  | {
      type: 'tokens';
      request: number;
      state: EncodedTokenPage;
      bufferPaths: (string | number)[][];
    }
  | { type: 'tokens-error'; request: number; message: string }
  | { type: 'model-elements'; request: number; state: ModelElement }
  | { type: 'model-elements-error'; request: number; message: string }
  | { type: 'expert-element'; request: number; state: ExpertElement }
  | { type: 'expert-element-error'; request: number; message: string }
  | { type: 'profile'; request: number; state: ProfileDocument }
  | { type: 'profile-error'; request: number; message: string }
  | ToolAnswer
  | { type: 'error'; request?: number; message: string };
