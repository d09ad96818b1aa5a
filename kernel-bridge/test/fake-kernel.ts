import type {
  Comm,
  CommMessage,
  JsonObject,
  KernelApi,
  SendOptions
} from '../src/base/kernel-api';

interface Sent {
  commId: string;
  data: JsonObject;
  buffers: ArrayBufferView[];
}

/** A kernel that records what widgets send, and simulates the front end. */
export class FakeKernel {
  readonly opened: Sent[] = [];
  readonly sent: Sent[] = [];
  private readonly _onMessage = new Map<
    string,
    (message: CommMessage) => void | Promise<void>
  >();
  private readonly _targets = new Map<
    string,
    (comm: Comm) => void | Promise<void>
  >();

  readonly api: KernelApi = {
    version: 1,
    openComm: (_target, data, options) => {
      const commId = options?.commId ?? 'comm';
      this.opened.push({ commId, data, buffers: options?.buffers ?? [] });
      return this._comm(commId);
    },
    registerTarget: (target, callback) => {
      this._targets.set(target, comm =>
        callback(comm, { data: {}, metadata: {}, buffers: [] })
      );
      return () => undefined;
    },
    publishDisplay: () => undefined,
    isBusy: () => false,
    onInterrupt: () => () => undefined
  };

  async open(target: string, commId: string): Promise<void> {
    await this._targets.get(target)?.(this._comm(commId));
  }

  async receive(
    commId: string,
    data: JsonObject,
    buffers: Uint8Array[] = []
  ): Promise<void> {
    await this._onMessage.get(commId)?.({ data, metadata: {}, buffers });
  }

  private _comm(commId: string): Comm {
    const closeCallbacks: (() => void)[] = [];
    let closed = false;
    return {
      commId,
      targetName: 'jupyter.widget',
      get closed() {
        return closed;
      },
      send: (data: JsonObject, options?: SendOptions) =>
        this.sent.push({ commId, data, buffers: options?.buffers ?? [] }),
      close: () => {
        closed = true;
        closeCallbacks.splice(0).forEach(callback => callback());
      },
      onMessage: callback => {
        this._onMessage.set(commId, callback);
        return () => undefined;
      },
      onClose: callback => {
        closeCallbacks.push(callback);
        return () => undefined;
      }
    };
  }
}
