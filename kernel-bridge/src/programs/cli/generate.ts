import { counted } from '../../base/protocol';
import { MoEDebuggerError } from '../../base/errors';
import {
  GenerationCancelled,
  type Generation
} from '../../run/generation/generation';
import type { TokenEvent } from '../../run/generation/options';
import { editsOf, type EditArguments } from './edits';
import { localModel } from './local-model';
import { openModel } from './open-model';
import { INTERRUPTED, progress, write, writeJson } from './output';

interface GenerateArguments extends EditArguments {
  prompt?: string;
  maxNewTokens?: number;
  temperature?: number;
  sampleTopK?: number;
  topP?: number;
  seed?: number;
  stop?: string[];
  json?: boolean;
}

export async function generate(
  path: string,
  { prompt, sampleTopK, json, rewriteFused, ...options }: GenerateArguments
): Promise<void> {
  if (prompt === undefined) {
    throw new MoEDebuggerError('usage', 'no prompt is given', {
      where: 'generate',
      hint: 'give --prompt'
    });
  }
  const edits = editsOf(options);
  const folder = await localModel(path);
  const interrupt = new AbortController();
  const onInterrupt = (): void => interrupt.abort();
  process.once('SIGINT', onInterrupt);
  progress('loading the model');
  try {
    const model = await openModel(folder, { signal: interrupt.signal });
    try {
      const output = json ? new Quiet() : new Stream();
      progress('reading the prompt');
      const generation = await untilCancelled(
        (edits ? model.with(edits, { rewriteFused }) : model).generate(prompt, {
          ...options,
          topK: sampleTopK,
          signal: interrupt.signal,
          onToken: event => output.add(event)
        })
      );
      await output.end();
      await (json ? writeJson(generation) : write('\n'));
      progress(`${summary(generation)}\n`);
    } finally {
      await model.dispose();
    }
  } finally {
    process.removeListener('SIGINT', onInterrupt);
  }
}

/** The result so far when cancelled by Ctrl-C. @throws other errors, or the cancellation if there is no result */
async function untilCancelled(
  running: Promise<Generation>
): Promise<Generation> {
  try {
    return await running;
  } catch (error) {
    if (error instanceof GenerationCancelled && error.partial.length > 0) {
      process.exitCode = INTERRUPTED;
      return error.partial[0];
    }
    throw error;
  }
}

/** Shows a progress line while tokens arrive. */
class Quiet {
  private readonly _started = performance.now();
  private _count = 0;

  async add(_event: TokenEvent): Promise<void> {
    this._count++;
    const perSecond =
      (this._count * 1000) / (performance.now() - this._started);
    progress(
      `${counted(this._count, 'token')}, ${perSecond.toFixed(0)} a second`
    );
  }

  async end(): Promise<void> {
    progress('');
  }
}

/** Prints the text as it arrives. On a terminal there is no separate progress line, which would cut into it. */
class Stream extends Quiet {
  private _shown = false;

  override async add(event: TokenEvent): Promise<void> {
    if (!process.stdout.isTTY) {
      await super.add(event);
    } else if (!this._shown) {
      progress('');
    }
    this._shown = true;
    await write(event.text);
  }

  override async end(): Promise<void> {
    if (!process.stdout.isTTY || !this._shown) {
      await super.end();
    }
  }
}

function summary({
  tokens,
  tokensPerSecond,
  finishReason
}: Generation): string {
  return `${counted(tokens.length, 'token')}, ${tokensPerSecond.toFixed(0)} per second, ended by ${WHY[finishReason]}`;
}

const WHY: Record<Generation['finishReason'], string> = {
  length: 'the limit of tokens',
  stop: 'a stop string',
  eos: "the model's end-of-sequence token",
  cancelled: 'you'
};
