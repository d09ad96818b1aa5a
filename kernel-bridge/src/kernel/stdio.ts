/** Standard streams of the process: output becomes messages, input is refused. */
import { StringDecoder } from 'node:string_decoder';
import { Readable } from 'node:stream';
import { MoEDebuggerError } from '../errors';
import type { OutputTarget } from './context';
import type { Header } from './wire';

type StreamName = 'stdout' | 'stderr';

/** Output waits this long for more of its kind: jupyter_server drops what exceeds 1000 messages/s. */
const FLUSH_MS = 10;
/** While a cell never yields, no timer fires: then a write itself flushes what has waited this long. */
const BUSY_FLUSH_MS = 50;
const FLUSH_CHARACTERS = 1 << 18;

type PublishStream = (parent: Header, name: StreamName, text: string) => void;

interface Pending {
  parent: Header;
  name: StreamName;
  parts: string[];
  characters: number;
  since: number;
}

/** Joins neighbouring writes to one stream under one cell. */
export class OutputBuffer {
  private readonly _publish: PublishStream;
  private _pending: Pending | undefined;
  private _timer: NodeJS.Timeout | undefined;

  constructor(publish: PublishStream) {
    this._publish = publish;
  }

  write(parent: Header, name: StreamName, text: string): void {
    let pending = this._pending;
    if (pending?.parent !== parent || pending.name !== name) {
      this.flush();
      pending = undefined;
    }
    if (!pending) {
      pending = { parent, name, parts: [], characters: 0, since: Date.now() };
      this._pending = pending;
      this._timer = setTimeout(() => this.flush(), FLUSH_MS);
    }
    pending.parts.push(text);
    pending.characters += text.length;
    if (
      pending.characters > FLUSH_CHARACTERS ||
      Date.now() - pending.since > BUSY_FLUSH_MS
    ) {
      this.flush();
    }
  }

  /** Called before any other message is published, so that messages keep their order. */
  flush(): void {
    const pending = this._pending;
    if (pending) {
      this._pending = undefined;
      clearTimeout(this._timer);
      this._publish(pending.parent, pending.name, pending.parts.join(''));
    }
  }
}

/** Sends what the process prints to `buffer`; with no cell to print under, it stays on the terminal. */
export function captureOutput(
  buffer: OutputBuffer,
  target: () => OutputTarget | undefined
): void {
  for (const name of ['stdout', 'stderr'] as const) {
    const stream = process[name];
    const original = stream.write.bind(stream) as typeof stream.write;
    // A character may be split over two binary writes.
    const decoder = new StringDecoder('utf8');
    const write = (
      chunk: string | Uint8Array,
      encoding?: BufferEncoding | ((error?: Error | null) => void),
      callback?: (error?: Error | null) => void
    ): boolean => {
      const done = typeof encoding === 'function' ? encoding : callback;
      const current = target();
      if (!current) {
        return original(
          chunk,
          typeof encoding === 'string' ? encoding : undefined,
          done
        );
      }
      const text =
        typeof chunk === 'string' ? chunk : decoder.write(Buffer.from(chunk));
      if (text !== '' && !current.silent) {
        buffer.write(current.parent, name, text);
      }
      if (done) {
        process.nextTick(done);
      }
      return true;
    };
    stream.write = write as typeof stream.write;
  }
}

/** Makes any attempt to read `process.stdin` fail at once: a notebook has nobody who would type. */
export function refuseInput(): void {
  const refuse = (): never => {
    throw new MoEDebuggerError(
      'environment',
      'a cell cannot read from standard input',
      { hint: 'put the value into a variable, or read it from a file' }
    );
  };
  const stdin = new Readable({ read: refuse });
  const on = stdin.on.bind(stdin);
  const listen = (
    event: string | symbol,
    listener: (...args: unknown[]) => void
  ): Readable =>
    event === 'data' || event === 'readable' ? refuse() : on(event, listener);
  Object.assign(stdin, {
    fd: 0,
    isTTY: false,
    read: refuse,
    resume: refuse,
    pipe: refuse,
    on: listen,
    addListener: listen,
    once: listen,
    [Symbol.asyncIterator]: refuse
  });
  Object.defineProperty(process, 'stdin', {
    configurable: true,
    get: () => stdin
  });
}
