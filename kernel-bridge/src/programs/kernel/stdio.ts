/** Redirects the process's standard streams: output becomes messages, input is rejected. */
import { StringDecoder } from 'node:string_decoder';
import { Readable } from 'node:stream';
import { MoEDebuggerError } from '../../base/errors';
import type { OutputTarget } from './context';
import type { StreamName } from './output-buffer';
import type { Header } from './wire';

/** Passes output of the process to `print`; output without a cell goes to the terminal. */
export function captureOutput(
  print: (parent: Header, name: StreamName, text: string) => void,
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
        print(current.parent, name, text);
      }
      if (done) {
        process.nextTick(done);
      }
      return true;
    };
    stream.write = write as typeof stream.write;
  }
}

/** Makes reads of `process.stdin` fail at once, since notebooks have no standard input. */
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
