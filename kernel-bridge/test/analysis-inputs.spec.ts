/**
 * Every analysis of a trace with every input that tells it little: an answer that says what cannot be told, or a typed
 * error; never a raw one, and no number that is none.
 */
import {
  analyze,
  diagnose,
  diffRouting,
  expertPipelines,
  MoEDebuggerError,
  ngramTriggers,
  predictBalance,
  sideBySide,
  tokenSetSimilarity,
  TraceEvidence
} from '../src';
import { NO_TOKEN_ID, type RoutingSample } from '../src/base/protocol';
import { RoutingTrace } from '../src/run/trace/routing-trace';
import { anything, samplesOf, type SampleOptions } from './made-samples';

/** Two layers that select by chance, with all that a trace can hold. */
function made(options: SampleOptions = {}): RoutingSample[] {
  return samplesOf(anything, {
    samples: 24,
    domains: ['a', 'b'],
    text: id => ` w${id}`,
    ...options
  }).map(sample => ({
    ...sample,
    layers: [sample.layers[0], { ...sample.layers[0], layer: 4 }]
  }));
}

const without = (
  part: 'weights' | 'logits',
  samples = made()
): RoutingSample[] =>
  samples.map(sample => ({
    ...sample,
    layers: sample.layers.map(layer => ({
      ...layer,
      [part]: new Float32Array()
    }))
  }));

const INPUTS = {
  'one token': () => made({ samples: 1, length: 1 }),
  'one text': () => made({ samples: 1 }),
  'one domain': () => made({ domains: ['a'] }),
  'unlabelled text': () =>
    made().map(({ domain: _, ...sample }): RoutingSample => sample),
  '2 experts': () => made({ experts: 2, topK: 1 }),
  'k = E': () => made({ experts: 4, topK: 4 }),
  'absent weights': () => without('weights'),
  'absent logits': () => without('logits'),
  'absent ids': () =>
    made().map(sample => ({
      ...sample,
      tokens: sample.tokens.map(token => ({ ...token, id: NO_TOKEN_ID }))
    })),
  'absent ids and texts': () =>
    made().map(sample => ({
      ...sample,
      tokens: sample.tokens.map(({ position }) => ({
        position,
        id: NO_TOKEN_ID
      }))
    })),
  'no sample': (): RoutingSample[] => []
};
type Input = keyof typeof INPUTS;

const traceOf = (samples: RoutingSample[]): RoutingTrace =>
  new RoutingTrace({
    id: 'made',
    model: 'made',
    samples,
    moeLayers: 2,
    timing: { inference: NaN }
  });

interface Case {
  run: (samples: RoutingSample[]) => unknown;
  /** Of each input: what the answer says. */
  says: Record<Input, RegExp>;
}

const ANY = /./;
const NOTHING_CAPTURED = /^error capture: no routing was captured/;
const FEW_TEXTS =
  /nothing can be told: no sequence of 2 tokens occurs in 10 texts/;
const PREDICTED = /predictions from recorded logits/;
const HELD_OUT = /^error input: no sample of the trace is held out/;
const UNKNOWN_TOKENS = /^error input: the tokens of the trace are unknown/;

/** What most of an analysis' inputs come to, and what is said of others. */
const says = (
  most: RegExp,
  others: Partial<Record<Input, RegExp>>
): Record<Input, RegExp> =>
  ({
    ...Object.fromEntries(Object.keys(INPUTS).map(input => [input, most])),
    ...others
  }) as Record<Input, RegExp>;

const CASES: Record<string, Case> = {
  analyze: {
    run: samples => analyze({ samples }),
    says: says(/"role":"generalist"|"role":"unclear"/, {
      'one token': /cannot tell yet: 1 text|no class of its tokens is known/,
      'one text': /cannot tell yet: 1 text that repeats no other/,
      'k = E': /each token selects all experts: nothing is chosen/,
      'absent ids and texts': /"vocabularySpecialisation":null/,
      'absent weights': /"pipelines":null/,
      'no sample': /"layers":\[\]/
    })
  },
  diagnose: {
    run: samples => diagnose({ samples }),
    says: says(/"checks":\[/, {
      'one token': /"undecided":\[\{/,
      'one domain': /all texts are of one domain/,
      'unlabelled text': /the texts have no domain/,
      'absent weights': /"why":"[^"]*weights/,
      'absent logits': /"why":"[^"]*logits/,
      'absent ids and texts': /"why":"[^"]*(?:texts|token ids)/,
      'no sample': /"layers":\[\]/
    })
  },
  ngramTriggers: {
    run: samples => ngramTriggers(samples),
    says: says(FEW_TEXTS, {
      'k = E': /2 routers left out: each token selects all experts/,
      'absent ids and texts': UNKNOWN_TOKENS,
      'no sample': /^error input: the trace has no samples/
    })
  },
  expertPipelines: {
    run: samples => expertPipelines(samples),
    says: says(/"steps":\[\{/, {
      'one token': /nothing can be told of 1 different token/,
      'one text':
        /one text: whether other texts have these pipelines is unknown/,
      'k = E': /nothing can be told of 2 routers: each token selects all/,
      'absent weights': /"correlation":null/,
      'absent ids and texts': UNKNOWN_TOKENS,
      'no sample': /^error input: the trace has no samples/
    })
  },
  predictBalance: {
    run: samples => predictBalance({ samples }),
    says: says(PREDICTED, {
      'one token': HELD_OUT,
      'one text': HELD_OUT,
      'absent logits': /logits/,
      'no sample': HELD_OUT
    })
  },
  sideBySide: {
    run: samples => sideBySide([analyze({ samples })]),
    says: says(/"depth":0/, { 'no sample': /^\[\]$/ })
  },
  tokenSetSimilarity: {
    run: samples => [...tokenSetSimilarity(samples, 3)],
    says: says(/^\[1,/, {
      'absent ids and texts': UNKNOWN_TOKENS,
      'no sample': /^error input: the trace has no samples/
    })
  },
  diffRouting: {
    run: samples => diffRouting(traceOf(samples), traceOf(samples)),
    says: says(ANY, { 'no sample': NOTHING_CAPTURED })
  },
  loads: {
    run: samples => traceOf(samples).loads(3).data,
    says: says(/"tokenRate":/, { 'no sample': NOTHING_CAPTURED })
  },
  coactivation: {
    run: samples => traceOf(samples).coactivation(3).data,
    says: says(ANY, { 'no sample': NOTHING_CAPTURED })
  },
  similarity: {
    run: samples => traceOf(samples).similarity(3).data,
    says: says(ANY, {
      'absent ids and texts': UNKNOWN_TOKENS,
      'no sample': NOTHING_CAPTURED
    })
  },
  domains: {
    run: samples => traceOf(samples).domains(3).data,
    says: says(ANY, {
      'unlabelled text': /^error input: no sample of the trace has a domain/,
      'no sample': NOTHING_CAPTURED
    })
  },
  overTime: {
    run: samples => traceOf(samples).overTime(3).data,
    says: says(ANY, { 'no sample': NOTHING_CAPTURED })
  }
};

/** The document of an answer, or the code and the message of a typed error; anything else is thrown on. */
function outcome(run: () => unknown): string {
  try {
    return JSON.stringify(run(), (_, value: unknown) => {
      if (typeof value === 'number' && !Number.isFinite(value)) {
        throw new Error(`${value} is no answer`);
      }
      return ArrayBuffer.isView(value) ? [...(value as Float64Array)] : value;
    });
  } catch (error) {
    if (error instanceof MoEDebuggerError) {
      return `error ${error.code}: ${error.message}`;
    }
    throw error;
  }
}

describe.each(Object.entries(CASES))('%s of', (_, { run, says: expected }) => {
  it.each(Object.entries(INPUTS))('%s', (input, make) => {
    expect(outcome(() => run(make()))).toMatch(expected[input as Input]);
  });
});

describe.each([
  ['analyze', analyze],
  ['diagnose', diagnose],
  ['ngramTriggers', ngramTriggers],
  ['expertPipelines', expertPipelines],
  ['predictBalance', predictBalance],
  ['tokenSetSimilarity', tokenSetSimilarity]
] as [string, (input: unknown) => unknown][])(
  '%s of what is no trace:',
  (name, call) => {
    it.each([
      ['nothing', undefined],
      ['null', null],
      ['a text', 'text'],
      ['an object without samples', {}],
      ['samples that are none', [1]],
      ['a list of prompts', [{ text: 'a' }]]
    ])('%s', (_, input) => {
      expect(() => call(input)).toThrow(
        expect.objectContaining({
          name: 'MoEDebuggerError',
          code: 'input',
          where: name
        })
      );
    });
  }
);

describe('100,000 texts', () => {
  /** One at a time, as a file is read: five tokens of one layer, of many domains. */
  function* many(): Generator<RoutingSample> {
    const some = made({ samples: 50, length: 5 });
    for (let i = 0; i < 100_000; i++) {
      const { tokens, layers } = some[i % some.length];
      yield {
        id: String(i),
        domain: `domain ${i % 200}`,
        tokens: tokens.map(({ position }, t) => ({
          position,
          id: (i * 31 + t * 17 + ((i * t) % 101)) % 5000
        })),
        layers: layers.slice(0, 1)
      };
    }
  }

  /** What memory grew by, in MB, with what lies about until the collector comes. */
  function grownBy(run: () => void): { heap: number; arrays: number } {
    const before = process.memoryUsage();
    run();
    const after = process.memoryUsage();
    return {
      heap: (after.heapUsed - before.heapUsed) / 2 ** 20,
      arrays: (after.arrayBuffers - before.arrayBuffers) / 2 ** 20
    };
  }

  it('are analysed and diagnosed in bounded memory', () => {
    const grown = grownBy(() => {
      const evidence = TraceEvidence.of(many());
      expect(outcome(() => analyze(evidence))).toMatch(/"samples":100000/);
      expect(outcome(() => diagnose(evidence))).toMatch(/"tokens":500000/);
    });
    expect(grown.arrays).toBeLessThan(400);
    expect(grown.heap).toBeLessThan(600);
  }, 120_000);

  it('are searched for triggers in bounded memory', () => {
    const grown = grownBy(() => {
      expect(outcome(() => ngramTriggers(many()))).toMatch(/"texts":100000/);
    });
    expect(grown.arrays).toBeLessThan(400);
    expect(grown.heap).toBeLessThan(600);
  }, 120_000);
});
