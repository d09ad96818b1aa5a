/** Runs cells one after another and replies to their requests. */
import type { JsonObject } from '../../base/kernel-api';
import type { Channel } from './connection';
import type { Context } from './context';
import type { ErrorReport } from './error-report';
import type { History } from './history';
import type { Interpreter, Outcome } from './interpreter';
import { InterruptedError } from './interrupt';
import { bundleOf } from './mime-bundle';
import type { Message } from './wire';

/** The part of the kernel that cells use. */
export interface CellHost {
  readonly interpreter: Interpreter;
  readonly history: History;
  publish(type: string, content: JsonObject, context: Context): void;
  publishStatus(state: 'busy' | 'idle', context: Context): void;
  reply(channel: Channel, to: Message, type: string, content: JsonObject): void;
  /** Runs the user's code in `context`, interruptibly. */
  run<T>(context: Context, task: () => T | Promise<T>): Promise<T>;
  /** Called when a cell starts. */
  onStart(context: Context): void;
  /** Resolves when every request sent so far has arrived. */
  barrier(): Promise<void>;
}

interface Request {
  message: Message;
  channel: Channel;
}

export class CellQueue {
  private readonly _host: CellHost;
  private _queue: Request[] = [];
  private _running: Context | undefined;
  private _count = 0;

  constructor(host: CellHost) {
    this._host = host;
  }

  /** The context of the running cell, also while it awaits. */
  get running(): Context | undefined {
    return this._running;
  }

  add(message: Message, channel: Channel): void {
    this._queue.push({ message, channel });
    if (!this._running) {
      void this._runAll();
    }
  }

  private async _runAll(): Promise<void> {
    for (
      let request = this._queue.shift();
      request;
      request = this._queue.shift()
    ) {
      const { header, content } = request.message;
      const context: Context = {
        request: header,
        cell: header,
        silent: content.silent === true
      };
      this._running = context;
      this._host.publishStatus('busy', context);
      try {
        await this._run(request, context);
      } catch (error) {
        // Not the cell's own error: what reports it has failed. The next cells still run.
        this._answer(request, {
          status: 'error',
          execution_count: this._count,
          ...this._host.interpreter.report(error)
        });
      } finally {
        this._running = undefined;
        this._host.publishStatus('idle', context);
      }
    }
  }

  private async _run(request: Request, context: Context): Promise<void> {
    const { content } = request.message;
    const code = String(content.code ?? '');
    const stored = !context.silent && content.store_history !== false;
    if (stored) {
      this._host.history.add(++this._count, code);
    }
    const execution_count = this._count;
    if (!context.silent) {
      this._host.onStart(context);
      this._host.publish('execute_input', { code, execution_count }, context);
    }
    let outcome = await this._evaluate(code, context);
    if (!outcome.error) {
      outcome = await this._show(outcome, context, execution_count);
    }
    if (outcome.error) {
      await this._fail(request, context, outcome.error, execution_count);
      return;
    }
    this._answer(request, {
      status: 'ok',
      execution_count,
      payload: [],
      user_expressions: await this._userExpressions(
        content.user_expressions,
        context
      )
    });
  }

  private async _evaluate(code: string, context: Context): Promise<Outcome> {
    try {
      return await this._host.run(context, () =>
        this._host.interpreter.execute(code, this._count)
      );
    } catch (error) {
      if (error instanceof InterruptedError) {
        this._host.interpreter.interrupt();
      }
      return { error: this._host.interpreter.report(error) };
    }
  }

  /** Publishes the result; an error on the way becomes the cell's error. */
  private async _show(
    outcome: Outcome,
    context: Context,
    execution_count: number
  ): Promise<Outcome> {
    if (!outcome.result || context.silent) {
      return outcome;
    }
    const { value } = outcome.result;
    try {
      const data = await this._host.run(context, () => bundleOf(value));
      this._host.publish(
        'execute_result',
        { data, metadata: {}, execution_count },
        context
      );
      return outcome;
    } catch (error) {
      return { error: this._host.interpreter.report(error) };
    }
  }

  private async _userExpressions(
    expressions: unknown,
    context: Context
  ): Promise<JsonObject> {
    const results: JsonObject = {};
    if (typeof expressions === 'object' && expressions !== null) {
      for (const [name, code] of Object.entries(expressions)) {
        results[name] = await this._userExpression(String(code), context);
      }
    }
    return results;
  }

  private async _userExpression(
    code: string,
    context: Context
  ): Promise<JsonObject> {
    const { result, error } = await this._evaluate(code, context);
    if (error) {
      return { status: 'error', ...error };
    }
    try {
      const data = await this._host.run(context, () => bundleOf(result?.value));
      return { status: 'ok', data, metadata: {} };
    } catch (failure) {
      return { status: 'error', ...this._host.interpreter.report(failure) };
    }
  }

  private async _fail(
    request: Request,
    context: Context,
    error: ErrorReport,
    execution_count: number
  ): Promise<void> {
    this._host.publish('error', { ...error }, context);
    // Abort only requests that were sent before the error was known.
    let aborted: Request[] = [];
    if (request.message.content.stop_on_error !== false) {
      await this._host.barrier();
      aborted = this._queue.splice(0);
    }
    this._answer(request, {
      status: 'error',
      execution_count,
      ...error,
      payload: [],
      user_expressions: {}
    });
    for (const other of aborted) {
      this._abort(other);
    }
  }

  private _abort(request: Request): void {
    const context: Context = { request: request.message.header };
    this._host.publishStatus('busy', context);
    this._answer(request, { status: 'aborted' });
    this._host.publishStatus('idle', context);
  }

  private _answer({ message, channel }: Request, content: JsonObject): void {
    this._host.reply(channel, message, 'execute_reply', content);
  }
}
