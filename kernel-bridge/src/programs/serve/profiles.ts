/** Profiles of loaded models, for a client that asks: they take seconds, and can be cancelled. */
import { MoEDebuggerError } from '../../base/errors';
import {
  NO_TOKEN_ID,
  type ProfileDocument,
  type Token
} from '../../base/protocol';
import { askableModel } from './askable-model';
import { storedTrace } from './stored-trace';

/** The profiles of one client that are being made. */
export class Profiles {
  private readonly _running = new Map<number, AbortController>();

  /**
   * Runs a sample of a trace anew.
   * @throws MoEDebuggerError 'input' for a trace or a model that is not there any more, and as `profileModel`
   */
  async make(
    request: number,
    id: string,
    traceId: string,
    sampleIndex: number
  ): Promise<ProfileDocument> {
    const profile = askableModel(id).profile;
    if (!profile) {
      throw new MoEDebuggerError('input', 'this model cannot be profiled', {
        where: 'profile',
        hint: 'load it with loadModel'
      });
    }
    const { trace } = storedTrace(traceId);
    const sample = trace.samples[sampleIndex];
    if (!sample) {
      throw new MoEDebuggerError('input', 'the trace has no such sample', {
        where: 'profile',
        hint: `samples run from 0 to ${trace.samples.length - 1}`
      });
    }
    const { tokens, encoderTokens } = sample;
    const prompt = encoderTokens
      ? { inputIds: idsOf(encoderTokens), decoderInputIds: idsOf(tokens) }
      : { inputIds: idsOf(tokens) };
    const controller = new AbortController();
    this._running.set(request, controller);
    try {
      const { signal } = controller;
      return (await profile(prompt, { signal })).toJSON();
    } finally {
      this._running.delete(request);
    }
  }

  cancel(request: number): void {
    this._running.get(request)?.abort();
  }

  dispose(): void {
    this._running.forEach(controller => controller.abort());
  }
}

function idsOf(tokens: readonly Token[]): number[] {
  if (tokens.some(({ id }) => id === NO_TOKEN_ID)) {
    throw new MoEDebuggerError('input', 'the trace has no token ids', {
      where: 'profile',
      hint: 'trace the text with the model'
    });
  }
  return tokens.map(({ id }) => id);
}
