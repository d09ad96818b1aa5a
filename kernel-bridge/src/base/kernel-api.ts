/**
 * Kernel functions for code in a cell. Reached through a process-wide symbol, because the copy of this package that a
 * cell imports may differ from the one that the kernel runs.
 */
import type { PreviousEnd } from './protocol';

export type JsonObject = Record<string, unknown>;

export interface CommMessage {
  data: JsonObject;
  metadata: JsonObject;
  buffers: Uint8Array[];
}

export interface SendOptions {
  metadata?: JsonObject;
  buffers?: ArrayBufferView[];
  /** Transfers ownership of the buffers, which are then sent without a copy. */
  transfer?: boolean;
}

export interface Comm {
  readonly commId: string;
  readonly targetName: string;
  readonly closed: boolean;
  /** @throws Error when the comm is closed. */
  send(data: JsonObject, options?: SendOptions): void;
  close(data?: JsonObject): void;
  /** Returns a function that removes the callback. Output of the callback goes to the cell that registered it. */
  onMessage(
    callback: (message: CommMessage) => void | Promise<void>
  ): () => void;
  /** Called once, whichever side closes. */
  onClose(callback: () => void): () => void;
}

export interface DisplayOptions {
  metadata?: JsonObject;
  displayId?: string;
  /** Replace the output of `displayId` instead of adding one. */
  update?: boolean;
}

/** A MIME bundle, or a promise of one, which the kernel awaits before the cell ends. */
export const MIMEBUNDLE = Symbol.for('Jupyter.mimebundle');
export interface Displayable {
  [MIMEBUNDLE](): JsonObject | Promise<JsonObject>;
}

export interface KernelApi {
  readonly version: 1;
  openComm(
    target: string,
    data: JsonObject,
    options?: SendOptions & { commId?: string }
  ): Comm;
  /** Accepts comms that the front end opens; returns a function that removes the target. */
  registerTarget(
    target: string,
    callback: (comm: Comm, open: CommMessage) => void | Promise<void>
  ): () => void;
  publishDisplay(data: JsonObject, options?: DisplayOptions): void;
  /** How the kernel before this one ended, if it was not shut down. */
  readonly previousEnd?: PreviousEnd;
  /** True while a cell runs, including while it awaits. */
  isBusy(): boolean;
  /** Called when the running cell is interrupted, so that long work can stop; returns a function that removes it. */
  onInterrupt(callback: () => void): () => void;
}

const SLOT = Symbol.for('moe-debugger.kernel.v1');

/** The kernel that this process serves; undefined in a plain program. */
export function currentKernel(): KernelApi | undefined {
  return (globalThis as { [SLOT]?: KernelApi })[SLOT];
}

export function installKernel(kernel: KernelApi): void {
  (globalThis as { [SLOT]?: KernelApi })[SLOT] = kernel;
}
