/**
 * The main thread's interface to the kernel's sockets. They live on a worker thread, so that the heartbeat, interrupts
 * and shutdown are handled while a cell blocks the main thread, and so that terminating such a cell cannot lose a
 * half-received message.
 */
import { join } from 'node:path';
import { MessageChannel, Worker, type MessagePort } from 'node:worker_threads';
import type { JsonObject } from '../../base/kernel-api';
import type { Channel, Connection } from './connection';
import type { Output, StreamName } from './output-buffer';
import {
  makeHeader,
  type Header,
  type Message,
  type SignedParts
} from './wire';

export interface IOWorkerData {
  port: MessagePort;
  connection: Connection;
  session: string;
  /** Folders of the kernel's own code, which an interrupt must not terminate. */
  guarded: string[];
  /** To be removed when the kernel is shut down. */
  lifeRecord: string;
}

export type ToIOWorker =
  | {
      type: 'send';
      channel: Channel;
      identities: Uint8Array[];
      parts: SignedParts;
      buffers: Uint8Array[];
    }
  | { type: 'output'; output: Output }
  | { type: 'barrier' }
  | { type: 'interrupted' }
  /** `closed` is set to 1 for a main thread that waits for it. */
  | { type: 'close'; closed?: Int32Array };

export type FromIOWorker =
  | { type: 'message'; channel: Channel; message: Message }
  | { type: 'barrier' }
  | { type: 'interrupt'; header: Header }
  | { type: 'shutdown' }
  | { type: 'closed' };

export interface Outgoing {
  type: string;
  content: JsonObject;
  parent?: Header;
  metadata?: JsonObject;
  /** Transferred to the sockets' thread. */
  buffers?: Uint8Array[];
}

export interface SocketEvents {
  onMessage(message: Message, channel: Channel): void;
  /** `header` is that of the interrupt request. */
  onInterrupt(header: Header): void;
  onShutdown(): void;
}

/** Sockets that are open when their thread is ended abort the process. */
const MAX_CLOSE_MS = 2000;

export class Sockets {
  private readonly _port: MessagePort;
  private readonly _session: string;
  private readonly _bound: Promise<void>;
  private readonly _barriers: (() => void)[] = [];
  private _printing: { parent: Header; json: string } | undefined;
  private _closed: () => void = () => undefined;

  /** Binds at once, and queues messages until `open`. */
  constructor(
    connection: Connection,
    session: string,
    guarded: string[],
    lifeRecord: string
  ) {
    const { port1, port2 } = new MessageChannel();
    this._port = port1;
    this._session = session;
    const data: IOWorkerData = {
      port: port2,
      connection,
      session,
      guarded,
      lifeRecord
    };
    const worker = new Worker(join(__dirname, 'io-worker.js'), {
      workerData: data,
      transferList: [port2]
    });
    this._bound = new Promise((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', reject);
    });
    // `open` reports a failure to bind; until then it must not count as unhandled.
    this._bound.catch(() => undefined);
  }

  /** Starts delivery. Rejects if a socket could not be bound. */
  async open(events: SocketEvents): Promise<void> {
    await this._bound;
    this._port.on('message', (event: FromIOWorker) => {
      switch (event.type) {
        case 'message':
          return events.onMessage(event.message, event.channel);
        case 'barrier':
          return this._barriers.shift()?.();
        case 'interrupt':
          // Acknowledge first, so that the sockets' thread knows that this thread is free.
          this._post({ type: 'interrupted' });
          return events.onInterrupt(event.header);
        case 'shutdown':
          return events.onShutdown();
        case 'closed':
          return this._closed();
      }
    });
  }

  publish(outgoing: Outgoing): void {
    this._send('iopub', [Buffer.from(outgoing.type)], outgoing);
  }

  /** Prints under a cell; output in quick succession is joined to one message. */
  print(parent: Header, name: StreamName, text: string): void {
    if (parent !== this._printing?.parent) {
      this._printing = { parent, json: JSON.stringify(parent) };
    }
    const output: Output = { name, text, parent: this._printing.json };
    this._post({ type: 'output', output });
  }

  reply(
    channel: Channel,
    to: Message,
    type: string,
    content: JsonObject
  ): void {
    this._send(channel, to.identities, { type, content, parent: to.header });
  }

  /** Resolves when everything that has reached the sockets so far is delivered. */
  barrier(): Promise<void> {
    return new Promise(resolve => {
      this._barriers.push(resolve);
      this._post({ type: 'barrier' });
    });
  }

  /** Replies to a pending shutdown request and closes, after everything was sent. */
  close(): Promise<void> {
    return new Promise(resolve => {
      this._closed = resolve;
      this._post({ type: 'close' });
    });
  }

  /** Closes while the process exits, when nothing asynchronous happens on this thread any more. */
  closeNow(): void {
    const closed = new Int32Array(new SharedArrayBuffer(4));
    this._post({ type: 'close', closed });
    Atomics.wait(closed, 0, 0, MAX_CLOSE_MS);
  }

  private _send(
    channel: Channel,
    identities: Uint8Array[],
    { type, content, parent, metadata, buffers = [] }: Outgoing
  ): void {
    const parts: SignedParts = [
      JSON.stringify(makeHeader(type, this._session)),
      JSON.stringify(parent ?? {}),
      JSON.stringify(metadata ?? {}),
      JSON.stringify(content)
    ];
    this._post(
      { type: 'send', channel, identities, parts, buffers },
      buffers.map(buffer => buffer.buffer as ArrayBuffer)
    );
  }

  private _post(message: ToIOWorker, transfer: ArrayBuffer[] = []): void {
    this._port.postMessage(message, transfer);
  }
}

/** A copy of a view's bytes, whose memory can be transferred to another thread. */
export function copyBytes(view: ArrayBufferView): Uint8Array {
  const copy = new Uint8Array(view.byteLength);
  copy.set(new Uint8Array(view.buffer, view.byteOffset, view.byteLength));
  return copy;
}
