/** The kernel: receives requests from the sockets, replies to them, and offers `KernelApi` to cells. */
import { writeSync } from 'node:fs';
import { MoEDebuggerError } from '../../base/errors';
import type {
  Comm,
  CommMessage,
  DisplayOptions,
  JsonObject,
  KernelApi,
  SendOptions
} from '../../base/kernel-api';
import type { PreviousEnd } from '../../base/protocol';
import { describePreviousEnd } from './previous-end-text';
import { CellQueue, type CellHost } from './cells';
import { CommManager, type CommHost } from './comms';
import type { Channel } from './connection';
import { displayTables } from './console-table';
import { Contexts, type Context } from './context';
import { History } from './history';
import { Interpreter } from './interpreter';
import { Interrupter, TERMINATED } from './interrupt';
import { answer } from './introspection';
import type { LifeRecord } from './life-record';
import { endProcess } from './lifetime';
import { encodeBundle } from './mime-bundle';
import type { Sockets } from './sockets';
import { captureOutput, refuseInput } from './stdio';
import type { Header, Message } from './wire';

/** Messages that belong to a cell's output; all others belong to the current request. */
const OUTPUTS = new Set([
  'display_data',
  'update_display_data',
  'execute_result',
  'error'
]);

interface PublishOptions {
  metadata?: JsonObject;
  buffers?: Uint8Array[];
  context?: Context;
}

export class Kernel implements KernelApi {
  readonly version = 1;
  private readonly _sockets: Sockets;
  private readonly _contexts = new Contexts();
  private readonly _history = new History();
  private readonly _interrupter: Interrupter;
  private readonly _interpreter: Interpreter;
  private readonly _comms: CommManager;
  private readonly _cells: CellQueue;
  private _shuttingDown = false;
  /** What the first cell prints: how the kernel before this one ended. */
  private _untold: PreviousEnd | undefined;

  constructor(
    sockets: Sockets,
    private readonly _life: LifeRecord
  ) {
    this._sockets = sockets;
    this._untold = _life.previousEnd;
    this._interrupter = new Interrupter(error =>
      this._printError('in an onInterrupt callback', error)
    );
    this._interpreter = new Interpreter(process.cwd(), (content, update) =>
      this._publish(update ? 'update_display_data' : 'display_data', content)
    );
    this._comms = new CommManager(this._commHost());
    this._cells = new CellQueue(this._cellHost());
  }

  /** Redirects the process's standard streams and starts to reply. */
  async start(): Promise<void> {
    captureOutput(
      (parent, name, text) => this._sockets.print(parent, name, text),
      () => this._contexts.output
    );
    refuseInput();
    displayTables(bundle => this._displayInCell(bundle));
    process.on('uncaughtException', error => {
      if (error !== TERMINATED) {
        this._printError('Uncaught', error);
      }
    });
    process.on('unhandledRejection', error =>
      this._printError('Uncaught (in promise)', error)
    );
    process.on('SIGINT', () => this._interrupter.interrupt());
    process.on('exit', code => this._onExit(code));
    await this._sockets.open({
      onMessage: (message, channel) => this._onMessage(message, channel),
      onInterrupt: () => this._interrupter.interrupt(),
      onShutdown: () => void this._shutdown()
    });
  }

  openComm(
    target: string,
    data: JsonObject,
    options?: SendOptions & { commId?: string }
  ): Comm {
    return this._comms.open(target, data, options);
  }

  registerTarget(
    target: string,
    callback: (comm: Comm, open: CommMessage) => void | Promise<void>
  ): () => void {
    return this._comms.registerTarget(target, callback);
  }

  publishDisplay(data: JsonObject, options: DisplayOptions = {}): void {
    const { metadata = {}, displayId, update } = options;
    if (update && displayId === undefined) {
      throw new MoEDebuggerError('usage', 'an update needs a displayId');
    }
    this._publish(update ? 'update_display_data' : 'display_data', {
      data: encodeBundle(data),
      metadata,
      transient: displayId === undefined ? {} : { display_id: displayId }
    });
  }

  get previousEnd(): PreviousEnd | undefined {
    return this._life.previousEnd;
  }

  isBusy(): boolean {
    return this._cells.running !== undefined;
  }

  onInterrupt(callback: () => void): () => void {
    return this._interrupter.onInterrupt(callback);
  }

  private _onMessage(message: Message, channel: Channel): void {
    if (message.header.msg_type === 'execute_request') {
      this._cells.add(message, channel);
    } else {
      void this._serve(message, channel);
    }
  }

  /** Everything except cells is served at once, also while a cell awaits. */
  private async _serve(message: Message, channel: Channel): Promise<void> {
    const context: Context = { request: message.header };
    this._publishStatus('busy', context);
    try {
      await this._contexts.run(context, () => this._answer(message, channel));
    } catch (error) {
      this._printError(`in ${message.header.msg_type}`, error);
    }
    this._publishStatus('idle', context);
  }

  private async _answer(message: Message, channel: Channel): Promise<void> {
    const type = message.header.msg_type;
    if (type.startsWith('comm_') && type !== 'comm_info_request') {
      return this._comms.onMessage(message);
    }
    if (!type.endsWith('_request')) {
      throw new MoEDebuggerError('protocol', 'unknown type of message', {
        where: type.slice(0, 60)
      });
    }
    const content = answer(type, message.content, {
      interpreter: this._interpreter,
      history: this._history,
      comms: this._comms
    });
    const reply = `${type.slice(0, -'request'.length)}reply`;
    this._sockets.reply(channel, message, reply, content);
  }

  private _publish(
    type: string,
    content: JsonObject,
    { metadata, buffers, context = this._contexts.active }: PublishOptions = {}
  ): void {
    let parent = context?.request;
    if (OUTPUTS.has(type)) {
      const output = this._contexts.outputOf(context);
      if (output?.silent) {
        return;
      }
      parent = output?.parent;
    }
    this._sockets.publish({ type, content, parent, metadata, buffers });
  }

  private _publishStatus(state: 'busy' | 'idle', context: Context): void {
    this._publish('status', { execution_state: state }, { context });
    const running = this._cells.running;
    if (state === 'idle' && running && running !== context) {
      // A front end shows the last status it received.
      this._publish(
        'status',
        { execution_state: 'busy' },
        { context: running }
      );
    }
  }

  /** Prints errors that no cell can report any more. */
  private _printError(where: string, error: unknown): void {
    const { traceback } = this._interpreter.report(error);
    try {
      process.stderr.write(`${where}: ${traceback.join('\n')}\n`);
    } catch {
      // A cell has changed what printing needs. An exception here would end the process.
      writeSync(2, `${where}: an error that cannot be printed\n`);
    }
  }

  /** False where no cell has run yet, whose output it could be. */
  private _displayInCell(bundle: JsonObject): boolean {
    const isCell = this._contexts.output !== undefined;
    if (isCell) {
      this.publishDisplay(bundle);
    }
    return isCell;
  }

  private _run<T>(context: Context, task: () => T | Promise<T>): Promise<T> {
    return this._interrupter.run(() => this._contexts.run(context, task));
  }

  private _cellHost(): CellHost {
    return {
      interpreter: this._interpreter,
      history: this._history,
      publish: (type, content, context) =>
        this._publish(type, content, { context }),
      publishStatus: (state, context) => this._publishStatus(state, context),
      reply: (channel, to, type, content) => {
        this._sockets.reply(channel, to, type, content);
      },
      run: (context, task) => this._run(context, task),
      onStart: context => {
        this._contexts.lastCell = context.request;
        if (this._untold !== undefined) {
          this._sockets.print(
            context.request,
            'stderr',
            `${describePreviousEnd(this._untold)}\n`
          );
          this._untold = undefined;
        }
      },
      barrier: () => this._sockets.barrier()
    };
  }

  private _commHost(): CommHost {
    return {
      publish: (type, content, options) =>
        this._publish(type, content, options),
      cell: () => this._contexts.active?.cell,
      runCallback: (request, cell, callback) =>
        this._runCallback({ request, cell }, callback)
    };
  }

  private async _runCallback(
    context: { request: Header; cell: Header | undefined },
    callback: () => void | Promise<void>
  ): Promise<boolean> {
    try {
      await this._run(context, callback);
      return true;
    } catch (error) {
      this._contexts.run(context, () =>
        this._printError('Error in a comm callback', error)
      );
      return false;
    }
  }

  /** A cell has ended the process, and no shutdown was requested. */
  private _onExit(code: number): void {
    if (!this._shuttingDown) {
      process.stderr.write(
        `The kernel ended, because process.exit(${code}) was called. Variables and loaded models are lost.\n`
      );
      this._life.exits(code);
      this._sockets.closeNow();
    }
  }

  private async _shutdown(): Promise<void> {
    this._shuttingDown = true;
    this._interpreter.close();
    await this._sockets.close();
    endProcess();
  }
}
