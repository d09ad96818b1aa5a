/** Inference off the main thread: asynchronous sessions and runs. */
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { MoEDebuggerError } from '../../base/errors';
import type {
  Request,
  Response,
  RunOptions,
  SessionOptions,
  TensorValue
} from './messages';
import { turnOffTelemetry } from './telemetry';
import { Turns } from './turns';
import { WorkerState } from './worker-state';

export type RunOutputs = Record<string, TensorValue>;

type Body<T> = T extends Request ? Omit<T, 'id'> : never;

interface Pending {
  resolve(response: { outputs?: RunOutputs; milliseconds: number }): void;
  reject(error: Error): void;
}

/**
 * A worker thread that runs onnxruntime, shared by all models of a process. It keeps the process alive only during a
 * run.
 */
export class Engine {
  private static _shared?: Engine;
  private readonly _worker: Worker;
  private readonly _state = new WorkerState();
  private readonly _pending = new Map<number, Pending>();
  private readonly _turns = new Turns();
  private _nextId = 1;
  private _nextSession = 1;
  private _dead?: MoEDebuggerError;

  constructor() {
    turnOffTelemetry();
    // Compiled code runs the worker beside this file; TypeScript sources use the built one.
    this._worker = new Worker(
      join(
        __dirname.replace(/([\\/])src([\\/]run[\\/]engine)$/, '$1lib$2'),
        'worker.js'
      ),
      { workerData: this._state.cells }
    );
    this._state.begin();
    process.on('exit', this._onExit);
    this._worker.on('message', (response: Response) => this._receive(response));
    this._worker.on('error', error =>
      this._fail(`the inference thread failed: ${error.message}`)
    );
    this._worker.on('exit', code =>
      this._fail(`the inference thread ended (${code})`)
    );
    // After the listeners: adding one would ref the thread again.
    this._worker.unref();
  }

  /** The process's engine, started at first use and restarted if it terminated. */
  static shared(): Engine {
    if (!Engine._shared || Engine._shared._dead) {
      Engine._shared = new Engine();
    }
    return Engine._shared;
  }

  /** The thread has terminated; callers must get the shared engine again. */
  get dead(): boolean {
    return this._dead !== undefined;
  }

  /** @throws MoEDebuggerError 'model-unsupported' with onnxruntime's message when it rejects the graph */
  async createSession(
    model:
      { bytes: Uint8Array; folder: string } | { path: string; folder: string },
    options: SessionOptions = {}
  ): Promise<Session> {
    const session = this._nextSession++;
    try {
      await this._send({ type: 'create', session, ...model, options });
    } catch (error) {
      throw refusal(error, 'load');
    }
    return new Session(this, session);
  }

  /** @internal */
  async run(
    session: number,
    feeds: RunOutputs,
    fetches: string[],
    options: RunOptions = {}
  ): Promise<{ outputs: RunOutputs; milliseconds: number }> {
    try {
      const { outputs, milliseconds } = await this._send({
        type: 'run',
        session,
        feeds,
        fetches,
        ...options
      });
      return { outputs: outputs ?? {}, milliseconds };
    } catch (error) {
      throw refusal(error, 'run');
    }
  }

  /** @internal */
  async forget(session: number, cache: number): Promise<void> {
    await this._send({ type: 'forget', session, cache });
  }

  /** @internal */
  async endProfiling(session: number): Promise<void> {
    await this._send({ type: 'end-profiling', session });
  }

  /** @internal */
  async release(session: number): Promise<void> {
    await this._send({ type: 'release', session });
  }

  /** Terminates the thread; pending runs are rejected. */
  async dispose(): Promise<void> {
    await this._worker.terminate();
  }

  private _send(
    body: Body<Request>
  ): Promise<{ outputs?: RunOutputs; milliseconds: number }> {
    if (this._dead) {
      return Promise.reject(this._dead);
    }
    const id = this._nextId++;
    return new Promise((resolve, reject) => {
      this._pending.set(id, { resolve, reject });
      this._turns.enter(id);
      this._worker.ref();
      this._state.begin();
      this._worker.postMessage({ ...body, id });
    });
  }

  private _receive(response: Response): void {
    const pending = this._pending.get(response.id);
    this._pending.delete(response.id);
    this._turns.leave(response.id);
    if (this._pending.size === 0) {
      this._worker.unref();
    }
    if ('error' in response) {
      pending?.reject(new Error(response.error));
    } else {
      pending?.resolve(response);
    }
  }

  private readonly _onExit = (): void => this._state.stop();

  private _fail(what: string): void {
    process.off('exit', this._onExit);
    this._dead ??= new MoEDebuggerError('engine', what, {
      hint: 'load the model again; if it repeats, the model may need more memory'
    });
    for (const { reject } of this._pending.values()) {
      reject(this._dead);
    }
    this._pending.clear();
    this._turns.clear();
  }
}

/** An onnxruntime session. */
export class Session {
  private _released = false;
  private _nextCache = 1;

  constructor(
    private readonly _engine: Engine,
    /** Id for `RunOptions.measure`. */
    readonly id: number
  ) {}

  /** It cannot be run again: it was released, or its thread terminated. */
  get gone(): boolean {
    return this._released || this._engine.dead;
  }

  /** Runs the graph; only outputs in `fetches` are copied out of onnxruntime. */
  run(
    feeds: RunOutputs,
    fetches: string[],
    options?: RunOptions
  ): Promise<{ outputs: RunOutputs; milliseconds: number }> {
    return this._engine.run(this.id, feeds, fetches, options);
  }

  /** A number for `RunOptions.cache`: its tensors stay on the worker until `forget`. */
  newCache(): number {
    return this._nextCache++;
  }

  /** Frees a cache, after the runs that were sent before. */
  async forget(cache: number): Promise<void> {
    if (!this._released) {
      await this._engine.forget(this.id, cache);
    }
  }

  /** Writes the profile of a session that was created with `profile`, after the runs that were sent before. */
  async endProfiling(): Promise<void> {
    await this._engine.endProfiling(this.id);
  }

  async release(): Promise<void> {
    if (!this._released) {
      this._released = true;
      await this._engine.release(this.id);
    }
  }
}

function refusal(error: unknown, doing: 'load' | 'run'): MoEDebuggerError {
  if (error instanceof MoEDebuggerError) {
    return error;
  }
  const text = error instanceof Error ? error.message : String(error);
  return new MoEDebuggerError(
    doing === 'load' ? 'model-unsupported' : 'engine',
    `onnxruntime could not ${doing} the model: ${text.replace(/\s+/g, ' ').slice(0, 600)}`,
    {
      hint: /NOT_IMPLEMENTED|not implemented/i.test(text)
        ? 'it uses an operator that onnxruntime has no CPU kernel for: export it for the CPU'
        : 'check the model with onnxruntime itself, or export it again'
    }
  );
}
