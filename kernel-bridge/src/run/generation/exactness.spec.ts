/**
 * Compares generation with recorded truth, and with a trace of the whole sequence for each token. Covers every kind of
 * model inputs; all models but the demo come from the zoo.
 */
import { basename } from 'node:path';
import {
  loadModel,
  type Generation,
  type MoEModel,
  type PromptObject,
  type RoutingSample
} from '../..';
import { DEMO, readTruth, skipWithout, zooModel } from '../../../test/zoo';

const TOKENS = 20;
const LOGITS = 1e-3;

interface Case {
  /** Undefined if it is of the larger zoo, which is not there. */
  folder: string | undefined;
  how: string;
  /** The encoder reads the prompt, the decoder generates from its start token. */
  encoderDecoder?: boolean;
  /** Why a list of prompts runs one by one. */
  oneByOne?: RegExp;
  /** First choices have precedence over second ones, so a later token can displace an earlier one from an expert. */
  laterTokensMatter?: boolean;
}

const CASES: Case[] = [
  { folder: DEMO, how: 'a cache and positions' },
  { folder: zooModel('mixtral-optimum'), how: 'a cache and positions' },
  {
    folder: zooModel('gpt_oss-genai-fp32'),
    how: 'a cache of fused attention, part of it a sliding window',
    oneByOne: /position/
  },
  {
    folder: zooModel('gpt_oss-genai-int4'),
    how: 'the same, quantised',
    oneByOne: /position/
  },
  { folder: zooModel('lm'), how: 'no cache', oneByOne: /cache/ },
  {
    folder: zooModel('deepseek_v3-dynamo'),
    how: 'no cache',
    oneByOne: /cache/
  },
  {
    folder: zooModel('gshard-dynamo'),
    how: 'no cache, second choices of limited capacity',
    oneByOne: /capacity/,
    laterTokensMatter: true
  },
  {
    folder: zooModel('switch-dynamo'),
    how: 'an encoder, experts of limited capacity',
    encoderDecoder: true,
    oneByOne: /capacity/
  },
  {
    folder: zooModel('switch-jit'),
    how: 'an encoder, experts of limited capacity',
    encoderDecoder: true,
    oneByOne: /capacity/
  }
];
const present = CASES.flatMap(({ folder, ...how }) =>
  folder ? [{ folder, ...how }] : []
);
skipWithout(present.slice(1), 'other models generate as they trace');

describe.each(
  present.map(entry => ({ name: basename(entry.folder), ...entry }))
)('$name: $how', ({ folder, encoderDecoder, oneByOne, laterTokensMatter }) => {
  const truth = readTruth(folder);
  let model: MoEModel;
  beforeAll(async () => {
    model = await loadModel(folder);
  });
  afterAll(() => model.dispose());

  it('starts with the most likely token of the recorded logits', async () => {
    for (const { ids, prompt, logits } of truth.prompts) {
      const { tokens } = await model.generate(prompt, { maxNewTokens: 1 });
      expect(tokens[0].id).toBe(
        argmax(logits.subarray(logits.length - logits.length / ids.length))
      );
    }
  }, 30_000);

  it('generates and routes like traces of the whole sequence', async () => {
    const ids = truth.prompts[0].ids.slice(0, 12);
    const { tokens, trace } = await model.generate(
      { inputIds: ids },
      { maxNewTokens: TOKENS }
    );
    const written = tokens.map(({ id }) => id);
    const soFar = (count: number): PromptObject =>
      encoderDecoder
        ? { inputIds: ids, decoderInputIds: [0, ...written.slice(0, count)] }
        : { inputIds: [...ids, ...written.slice(0, count)] };
    const [ours] = trace.samples;
    for (let count = 0; count <= written.length; count++) {
      const whole = await model.trace(soFar(count), { logits: 'last' });
      const [sample] = whole.samples;
      if (count < written.length) {
        expect(written[count]).toBe(argmax(whole.outputLogits.get('0')!.data));
      }
      // The first trace has the prompt's tokens, each later one a single new token.
      const last = sample.tokens.length - 1;
      expectRows(ours, sample, count === 0 ? 0 : last, last + 1);
    }
    const [whole] = (await model.trace(soFar(written.length))).samples;
    expect(ours.tokens).toEqual(whole.tokens);
    expect(ours.encoderTokens).toEqual(whole.encoderTokens);
    if (!laterTokensMatter) {
      expectRows(ours, whole, 0, whole.tokens.length);
    }
  }, 60_000);

  it('generates the same for prompts side by side as for each alone', async () => {
    const prompts = [3, 24, 9].map((length, i) => ({
      inputIds: truth.prompts[i % truth.prompts.length].ids.slice(0, length)
    }));
    const together = await model.generate(prompts, { maxNewTokens: 6 });
    expect(
      together[0].notes.filter(note => note.includes('one by one')).join()
    ).toMatch(oneByOne ?? /^$/);
    for (const [i, prompt] of prompts.entries()) {
      expectSame(
        together[i],
        await model.generate(prompt, { maxNewTokens: 6 })
      );
    }
  }, 30_000);
});

function expectSame(ours: Generation, theirs: Generation): void {
  expect(ours.tokens).toEqual(theirs.tokens);
  const [[a], [b]] = [ours.trace.samples, theirs.trace.samples];
  expectRows(a, b, 0, a.tokens.length);
}

/** Compares the routing of tokens [start, end); for encoder layers, of all their tokens. */
function expectRows(
  ours: RoutingSample,
  theirs: RoutingSample,
  start: number,
  end: number
): void {
  theirs.layers.forEach((layer, l) => {
    const [first, last] =
      layer.stack === 'encoder'
        ? [0, theirs.encoderTokens!.length]
        : [start, end];
    const rows = <T extends Float32Array | Int32Array>(
      values: T,
      width: number
    ): number[] => [...values.subarray(first * width, last * width)];
    expect(
      largestDifference(
        rows(ours.layers[l].logits, layer.experts),
        rows(layer.logits, layer.experts)
      )
    ).toBeLessThan(LOGITS);
    expect(rows(ours.layers[l].selected, layer.topK)).toEqual(
      rows(layer.selected, layer.topK)
    );
    expect(
      largestDifference(
        rows(ours.layers[l].weights, layer.topK),
        rows(layer.weights, layer.topK)
      )
    ).toBeLessThan(LOGITS);
  });
}

function argmax(values: Float32Array): number {
  return values.reduce(
    (best, value, i) => (value > values[best] ? i : best),
    0
  );
}

function largestDifference(a: readonly number[], b: readonly number[]): number {
  expect(a).toHaveLength(b.length);
  return a.reduce(
    (largest, value, i) => Math.max(largest, Math.abs(value - b[i])),
    0
  );
}
