/** Comms: named two-way channels between cells and the front end, with binary buffers. */
import { randomUUID } from 'node:crypto';
import { MoEDebuggerError } from '../../base/errors';
import type {
  Comm,
  CommMessage,
  JsonObject,
  SendOptions
} from '../../base/kernel-api';
import { copyBytes } from './sockets';
import type { Header, Message } from './wire';

type MessageCallback = (message: CommMessage) => void | Promise<void>;
type TargetCallback = (comm: Comm, open: CommMessage) => void | Promise<void>;

/** The part of the kernel that comms use. */
export interface CommHost {
  publish(
    type: string,
    content: JsonObject,
    options?: { metadata?: JsonObject; buffers?: Uint8Array[] }
  ): void;
  /** The calling cell, if there is one. */
  cell(): Header | undefined;
  /** Runs a callback so that its messages answer `request` and its output appears under `cell`. Never rejects. */
  runCallback(
    request: Header,
    cell: Header | undefined,
    callback: () => void | Promise<void>
  ): Promise<boolean>;
}

interface Registered<T> {
  callback: T;
  cell: Header | undefined;
}

export class CommManager {
  private readonly _host: CommHost;
  private readonly _comms = new Map<string, KernelComm>();
  private readonly _targets = new Map<string, Registered<TargetCallback>>();

  constructor(host: CommHost) {
    this._host = host;
  }

  open(
    target: string,
    data: JsonObject,
    {
      commId = newId(),
      metadata,
      buffers
    }: SendOptions & { commId?: string } = {}
  ): Comm {
    if (this._comms.has(commId)) {
      throw new MoEDebuggerError('protocol', 'a comm with this id is open', {
        where: commId
      });
    }
    const comm = this._add(commId, target);
    this._host.publish(
      'comm_open',
      { comm_id: commId, target_name: target, data },
      { metadata, buffers: buffers?.map(copyBytes) }
    );
    return comm;
  }

  registerTarget(target: string, callback: TargetCallback): () => void {
    const registered = { callback, cell: this._host.cell() };
    this._targets.set(target, registered);
    return () => {
      if (this._targets.get(target) === registered) {
        this._targets.delete(target);
      }
    };
  }

  /** Content of `comm_info_reply`. */
  info(target: unknown): JsonObject {
    const comms: JsonObject = {};
    for (const comm of this._comms.values()) {
      if (typeof target !== 'string' || comm.targetName === target) {
        comms[comm.commId] = { target_name: comm.targetName };
      }
    }
    return { status: 'ok', comms };
  }

  /** Resolves when the callbacks have: only then may the kernel report idle. */
  async onMessage(message: Message): Promise<void> {
    const id = message.content.comm_id;
    if (typeof id !== 'string') {
      throw new MoEDebuggerError('protocol', 'a comm message has no comm_id');
    }
    const comm = this._comms.get(id);
    switch (message.header.msg_type) {
      case 'comm_open':
        return this._onOpen(id, message);
      case 'comm_msg':
        return comm?.deliver(message);
      case 'comm_close':
        return comm?.onRemoteClose(message);
    }
  }

  private async _onOpen(id: string, message: Message): Promise<void> {
    const target = String(message.content.target_name);
    const registered = this._targets.get(target);
    if (!registered || this._comms.has(id)) {
      this._host.publish('comm_close', { comm_id: id, data: {} });
      return;
    }
    const comm = this._add(id, target);
    // Messages wait until the open callback has set the comm up.
    await comm.enqueue(async () => {
      const opened = await this._host.runCallback(
        message.header,
        registered.cell,
        () => registered.callback(comm, toCommMessage(message))
      );
      if (!opened) {
        comm.close();
      }
    });
  }

  private _add(id: string, target: string): KernelComm {
    const comm = new KernelComm(this._host, id, target, () =>
      this._comms.delete(id)
    );
    this._comms.set(id, comm);
    return comm;
  }
}

class KernelComm implements Comm {
  readonly commId: string;
  readonly targetName: string;
  private readonly _host: CommHost;
  private readonly _onRemoved: () => void;
  private readonly _messageCallbacks = new Set<Registered<MessageCallback>>();
  private readonly _closeCallbacks = new Set<() => void>();
  /** Messages of one comm are handled one after another. */
  private _tail: Promise<void> = Promise.resolve();
  private _closed = false;

  constructor(
    host: CommHost,
    commId: string,
    targetName: string,
    onRemoved: () => void
  ) {
    this._host = host;
    this.commId = commId;
    this.targetName = targetName;
    this._onRemoved = onRemoved;
  }

  get closed(): boolean {
    return this._closed;
  }

  send(data: JsonObject, { metadata, buffers }: SendOptions = {}): void {
    if (this._closed) {
      throw new MoEDebuggerError('protocol', 'the comm is closed', {
        where: this.targetName
      });
    }
    this._host.publish(
      'comm_msg',
      { comm_id: this.commId, data },
      { metadata, buffers: buffers?.map(copyBytes) }
    );
  }

  close(data: JsonObject = {}): void {
    if (this._closed) {
      return;
    }
    this._host.publish('comm_close', { comm_id: this.commId, data });
    for (const callback of this._remove()) {
      callback();
    }
  }

  onMessage(callback: MessageCallback): () => void {
    const registered = { callback, cell: this._host.cell() };
    this._messageCallbacks.add(registered);
    return () => {
      this._messageCallbacks.delete(registered);
    };
  }

  onClose(callback: () => void): () => void {
    this._closeCallbacks.add(callback);
    return () => {
      this._closeCallbacks.delete(callback);
    };
  }

  deliver(message: Message): Promise<void> {
    return this.enqueue(async () => {
      for (const { callback, cell } of [...this._messageCallbacks]) {
        if (!this._closed) {
          await this._host.runCallback(message.header, cell, () =>
            callback(toCommMessage(message))
          );
        }
      }
    });
  }

  onRemoteClose(message: Message): Promise<void> {
    return this.enqueue(async () => {
      for (const callback of this._remove()) {
        await this._host.runCallback(message.header, undefined, callback);
      }
    });
  }

  /** `task` must not reject. */
  enqueue(task: () => Promise<void>): Promise<void> {
    this._tail = this._tail.then(task);
    return this._tail;
  }

  private _remove(): (() => void)[] {
    if (this._closed) {
      return [];
    }
    this._closed = true;
    this._onRemoved();
    const callbacks = [...this._closeCallbacks];
    this._closeCallbacks.clear();
    this._messageCallbacks.clear();
    return callbacks;
  }
}

function toCommMessage({ content, metadata, buffers }: Message): CommMessage {
  const data = content.data;
  return {
    data: typeof data === 'object' && data !== null ? (data as JsonObject) : {},
    metadata,
    buffers
  };
}

function newId(): string {
  return randomUUID().replace(/-/g, '');
}
