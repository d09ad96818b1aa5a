/** Memory that counting kernels work in: one for the process, parts of it lent to whoever counts. */

/** What is used of WebAssembly; Node's types leave it to those of browsers. */
interface WebAssemblyApi {
  Memory: new (size: { initial: number }) => WasmMemory;
  Module: new (bytes: Uint8Array) => object;
  Instance: new (
    module: object,
    imports: object
  ) => { exports: Record<string, unknown> };
}

interface WasmMemory {
  readonly buffer: ArrayBuffer;
  grow(pages: number): number;
}

type Run = (...args: number[]) => number;

const PAGE = 65536;

class KernelMemory {
  private readonly _memory: WasmMemory;
  private _end = 0;
  private readonly _free = new Map<number, number[]>();
  private readonly _kernels = new Map<string, Run>();
  private readonly _lent = new FinalizationRegistry<[number, number]>(
    ([address, size]) => this._takeBack(address, size)
  );

  constructor(private readonly _api: WebAssemblyApi) {
    this._memory = new _api.Memory({ initial: 1 });
  }

  /** Another one after the memory has grown: views of the one before are empty then. */
  get buffer(): ArrayBuffer {
    return this._memory.buffer;
  }

  /** A part of the memory, zeroed, that is taken back when `owner` is no longer in use. */
  lend(owner: object, bytes: number): number {
    const size = Math.ceil(bytes / 64) * 64;
    const address = this._free.get(size)?.pop() ?? this._extend(size);
    new Uint8Array(this.buffer, address, size).fill(0);
    this._lent.register(owner, [address, size]);
    return address;
  }

  /** A kernel by its name, made when it is first asked for. */
  kernel(name: string, make: () => Uint8Array): Run {
    let run = this._kernels.get(name);
    if (!run) {
      const { Instance, Module } = this._api;
      const { exports } = new Instance(new Module(make()), {
        env: { memory: this._memory }
      });
      run = exports.run as Run;
      this._kernels.set(name, run);
    }
    return run;
  }

  private _extend(size: number): number {
    const address = this._end;
    this._end += size;
    const missing = this._end - this.buffer.byteLength;
    if (missing > 0) {
      // A little ahead, since views are made anew each time.
      this._memory.grow(Math.ceil(missing / PAGE) + 16);
    }
    return address;
  }

  private _takeBack(address: number, size: number): void {
    this._free.set(size, [...(this._free.get(size) ?? []), address]);
  }
}

let shared: KernelMemory | undefined;

/** Undefined where WebAssembly is switched off. */
export function kernelMemory(): KernelMemory | undefined {
  const { WebAssembly } = globalThis as { WebAssembly?: WebAssemblyApi };
  return WebAssembly && (shared ??= new KernelMemory(WebAssembly));
}

export type { KernelMemory };
