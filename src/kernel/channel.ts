import type { Kernel, KernelMessage } from '@jupyterlab/services';
import type { JSONObject } from '@lumino/coreutils';
import type { IDisposable } from '@lumino/disposable';
import { Signal, type ISignal } from '@lumino/signaling';
import {
  COMM_TARGET,
  PROTOCOL_VERSION,
  ProtocolError,
  decodeExpertElement,
  decodeModelElement,
  decodeOutline,
  decodeProfile,
  decodeRows,
  decodeTokenPage,
  decodeView,
  insertBuffers,
  isAbility,
  readPreviousEnd,
  readFindingsState,
  readSteps,
  readTraceFigure,
  type Ability,
  type ExpertElement,
  type FindingsState,
  type TraceFigure,
  type ModelElement,
  type ModelSummary,
  type PreviousEnd,
  type ProfileDocument,
  type RunStep,
  type ToKernel,
  type TokenPage,
  type TraceOutline,
  type TraceRows,
  type TraceSummary,
  type View
} from 'moe-debugger/protocol';
import { checkDrawable } from '../routing/limits';
import { readModels, readTraces } from './summaries';

/** The comm to one kernel: sends `ToKernel`, validates `FromKernel`. Lost with the kernel's process. */
export class KernelChannel implements IDisposable {
  constructor(kernel: Kernel.IKernelConnection) {
    this._comm = kernel.createComm(COMM_TARGET);
    this._comm.onMsg = message => this._onMessage(message);
    this._comm.onClose = () => {
      if (!this._isDisposed) {
        this._received.emit({ type: 'closed' });
      }
    };
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  /** A restart drops a kernel's comms without a message. */
  get isLost(): boolean {
    return this._comm.isDisposed;
  }

  /** Validated messages of the kernel. */
  get received(): ISignal<this, KernelChannel.Event> {
    return this._received;
  }

  /** Call after connecting to `received`: the kernel answers at once. */
  open(): void {
    this._settle(this._comm.open({ version: PROTOCOL_VERSION }));
  }

  send(message: ToKernel): void {
    if (!this._isDisposed && !this._comm.isDisposed) {
      this._settle(this._comm.send(message as unknown as JSONObject));
    }
  }

  /** Closes the channel on both sides. */
  close(): void {
    if (this._isDisposed) {
      return;
    }
    this.dispose();
    if (!this._comm.isDisposed) {
      try {
        this._settle(this._comm.close());
      } catch {
        // The connection is gone, and the comm with it.
      }
    }
  }

  /** Drops the channel without a message to the kernel, whose process ends or has ended. */
  dispose(): void {
    if (this._isDisposed) {
      return;
    }
    this._isDisposed = true;
    this._disposed.emit();
    Signal.clearData(this);
  }

  /** Emitted once, when nothing is received any more. */
  get disposed(): ISignal<this, void> {
    return this._disposed;
  }

  /** A restart loses messages; the panel then connects again, so errors are ignored. */
  private _settle(future: Kernel.IShellFuture): void {
    future.done.catch(() => undefined);
  }

  private _onMessage({ content, buffers }: KernelMessage.ICommMsgMsg): void {
    const data = content.data as Record<string, unknown>;
    try {
      const event = this._read(data, buffers ?? []);
      if (event) {
        this._received.emit(event);
      }
    } catch (error) {
      this._received.emit({
        type: 'error',
        request: typeof data?.request === 'number' ? data.request : undefined,
        message: error instanceof Error ? error.message : String(error)
      });
    }
  }

  private _read(
    data: Record<string, unknown>,
    buffers: (ArrayBuffer | ArrayBufferView)[]
  ): KernelChannel.Event | undefined {
    switch (data.type) {
      case 'hello':
        return {
          type: 'hello',
          version: Number(data.version),
          tools: Array.isArray(data.tools) ? data.tools.filter(isAbility) : [],
          previousEnd: readPreviousEnd(data.previousEnd)
        };
      case 'state':
        return {
          type: 'state',
          models: readModels(data.models),
          traces: readTraces(data.traces)
        };
      case 'trace':
        if (typeof data.request !== 'number') {
          throw new ProtocolError('the kernel sent a trace without a request');
        }
        insertBuffers(data.view, data.bufferPaths, buffers);
        return {
          type: 'trace',
          request: data.request,
          view: checkDrawable(decodeView(data.view)),
          steps: data.steps === undefined ? [] : readSteps(data.steps, 'steps')
        };
      case 'rows':
        insertBuffers(data.rows, data.bufferPaths, buffers);
        return {
          type: 'rows',
          batch: Number(data.batch),
          rows: decodeRows(data.rows)
        };
      case 'tool':
        return {
          type: 'tool',
          tool: Number(data.tool),
          patch: (typeof data.patch === 'object' && data.patch !== null
            ? data.patch
            : {}) as Record<string, unknown>
        };
      case 'tool-error':
        return {
          type: 'tool-error',
          tool: Number(data.tool),
          message: String(data.message).slice(0, 400)
        };
      case 'findings':
        return readAnswer('findings', data, readFindingsState);
      case 'figure':
        return readAnswer('figure', data, readTraceFigure);
      case 'outline':
        insertBuffers(data.state, data.bufferPaths, buffers);
        return readAnswer('outline', data, decodeOutline);
      case 'tokens':
        insertBuffers(data.state, data.bufferPaths, buffers);
        return readAnswer('tokens', data, decodeTokenPage);
      case 'model-elements':
        return readAnswer('model-elements', data, decodeModelElement);
      case 'expert-element':
        return readAnswer('expert-element', data, decodeExpertElement);
      case 'profile':
        return readAnswer('profile', data, decodeProfile);
      case 'findings-error':
      case 'figure-error':
      case 'outline-error':
      case 'tokens-error':
      case 'model-elements-error':
      case 'expert-element-error':
      case 'profile-error':
        return {
          type: data.type,
          request: Number(data.request),
          message: String(data.message).slice(0, 400)
        };
      case 'error':
        return {
          type: 'error',
          request: typeof data.request === 'number' ? data.request : undefined,
          message: String(data.message).slice(0, 400)
        };
      default:
        // A newer kernel may send messages that this panel does not know.
        return undefined;
    }
  }

  private _comm: Kernel.IComm;
  private _disposed = new Signal<this, void>(this);
  private _isDisposed = false;
  private _received = new Signal<this, KernelChannel.Event>(this);
}

export namespace KernelChannel {
  /** Results about a trace, by the type of the message that contains them. */
  export interface IAnswers {
    findings: FindingsState;
    figure: TraceFigure;
    outline: TraceOutline;
    tokens: TokenPage;
    'model-elements': ModelElement;
    'expert-element': ExpertElement;
    profile: ProfileDocument;
  }

  export type Answer<Type extends keyof IAnswers = keyof IAnswers> = {
    [T in Type]:
      | { type: T; request: number; state: IAnswers[T] }
      | { type: `${T}-error`; request: number; message: string };
  }[Type];

  export type Event =
    | {
        type: 'hello';
        version: number;
        tools: Ability[];
        /** How the kernel before this one ended, if it was not shut down. */
        previousEnd: PreviousEnd | undefined;
      }
    | { type: 'state'; models: ModelSummary[]; traces: TraceSummary[] }
    | {
        type: 'trace';
        request: number;
        view: View;
        /** Of the first sample; empty where the kernel does not know. */
        steps: RunStep[];
      }
    /** More of a trace in the making; `drawn` answers it. */
    | { type: 'rows'; batch: number; rows: TraceRows }
    | { type: 'error'; request: number | undefined; message: string }
    | { type: 'tool'; tool: number; patch: Record<string, unknown> }
    | { type: 'tool-error'; tool: number; message: string }
    | Answer
    | { type: 'closed' };
}

/** An invalid answer becomes an error of its question. */
function readAnswer<Type extends keyof KernelChannel.IAnswers>(
  type: Type,
  { request: asked, state }: Record<string, unknown>,
  read: (value: unknown) => KernelChannel.IAnswers[Type]
): KernelChannel.Event {
  const request = Number(asked);
  try {
    return { type, request, state: read(state) } as KernelChannel.Event;
  } catch (error) {
    return {
      type: `${type}-error`,
      request,
      message: error instanceof Error ? error.message : String(error)
    } as KernelChannel.Event;
  }
}
