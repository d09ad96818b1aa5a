/** What is aligned with what, and what is said of the traces; the measures are tested on models, in test/analyses. */
import { anything, samplesOf } from '../../../test/made-samples';
import {
  NO_TOKEN_ID,
  type RouterPlace,
  type RoutingSample,
  type Token
} from '../../base/protocol';
import { compareModels, type ComparableTrace } from './compare-models';

/** A model with a router at each place. */
function traceOf(
  places: readonly RouterPlace[],
  about: Partial<ComparableTrace> = {}
): ComparableTrace {
  const samples = samplesOf(anything, { samples: 2, length: 6 }).map(
    sample => ({
      ...sample,
      ...(places.some(({ stack }) => stack === 'encoder')
        ? { encoderTokens: sample.tokens }
        : {}),
      layers: places.map(place => ({ ...sample.layers[0], ...place }))
    })
  );
  return { model: 'made', samples, cards: [], ...about };
}

const alignedOf = (
  ...models: (readonly RouterPlace[])[]
): (number | null)[][] =>
  compareModels(models.map(places => traceOf(places))).aligned.map(
    ({ layers }) => layers
  );

const inModule = (layer: number, name: string): RouterPlace => ({
  layer,
  module: name
});

describe('routers are aligned', () => {
  const jetmoe = [0, 1].flatMap(layer => [
    inModule(layer, 'attention'),
    inModule(layer, 'mlp')
  ]);

  it('each with that of its own module, where a block has two', () => {
    expect(alignedOf(jetmoe, jetmoe)).toEqual([
      [0, 0],
      [1, 1],
      [2, 2],
      [3, 3]
    ]);
  });

  it('whatever the order of modules, and in every stack', () => {
    const reversed = [0, 1].flatMap(layer => [
      inModule(layer, 'mlp'),
      inModule(layer, 'attention')
    ]);
    expect(alignedOf(jetmoe, reversed)).toEqual([
      [0, 1],
      [1, 0],
      [2, 3],
      [3, 2]
    ]);
    const stacked = (['encoder', 'decoder'] as const).flatMap(stack =>
      jetmoe.map(place => ({ ...place, stack }))
    );
    expect(alignedOf(stacked, stacked)).toEqual(
      [0, 1, 2, 3, 4, 5, 6, 7].map(index => [index, index])
    );
  });

  it('MLPs with those of models that have no other routers, attention with none there', () => {
    expect(
      alignedOf(jetmoe, [{ layer: 0 }, { layer: 1 }, { layer: 2 }])
    ).toEqual([
      [0, null],
      [1, 0],
      [1, 1],
      [2, null],
      [3, 2]
    ]);
  });

  it('in models of other depths, each module by the model with the most of it', () => {
    const attentionInOne = [
      inModule(0, 'attention'),
      inModule(0, 'mlp'),
      { layer: 1 },
      { layer: 2 }
    ];
    expect(alignedOf(attentionInOne, jetmoe)).toEqual([
      [0, 0],
      [1, 1],
      [2, 1],
      [0, 2],
      [3, 3]
    ]);
  });
});

describe('a warning of other prompts', () => {
  const PLAIN = [{ layer: 0 }];
  const withTokens = (
    change: (token: Token, at: number, sample: number) => object
  ): ComparableTrace => {
    const made = traceOf(PLAIN);
    return {
      ...made,
      samples: made.samples.map((sample, s) => ({
        ...sample,
        tokens: sample.tokens.map((token, at) => ({
          ...token,
          ...change(token, at, s)
        }))
      })) as RoutingSample[]
    };
  };
  const warningsOf = (...traces: ComparableTrace[]): readonly string[] =>
    compareModels(traces).warnings;
  const OTHER =
    /^the models saw other prompts under the same ids: the tokens of 1 of 2 differ, first those of prompt 1;/;

  it('comes where one id stands for other tokens', () => {
    const same = withTokens(() => ({}));
    const other = withTokens(({ id }, at, s) =>
      s === 1 && at === 3 ? { id: id + 1 } : {}
    );
    expect(warningsOf(same, same)).toEqual([]);
    expect(warningsOf(same, other)).toEqual([
      expect.stringMatching(OTHER) as string
    ]);
    // The third of three models too.
    expect(warningsOf(same, same, other)).toEqual([
      expect.stringMatching(OTHER) as string
    ]);
  });

  it('comes where one id stands for other texts, of unknown ids too', () => {
    const texts = (changed: boolean): ComparableTrace =>
      withTokens((_, at, s) => ({
        id: NO_TOKEN_ID,
        text: changed && s === 1 && at === 5 ? 'dog' : `w${at} `
      }));
    expect(warningsOf(texts(false), texts(false))).toEqual([]);
    expect(warningsOf(texts(false), texts(true))).toEqual([
      expect.stringMatching(OTHER) as string
    ]);
  });

  it('comes of a text that is the beginning of another', () => {
    const whole = traceOf(PLAIN);
    const cut = {
      ...whole,
      samples: whole.samples.map((sample, s) =>
        s === 0
          ? sample
          : {
              ...sample,
              tokens: sample.tokens.slice(0, 3),
              layers: sample.layers.map(layer => ({
                ...layer,
                logits: layer.logits.slice(0, 3 * layer.experts),
                selected: layer.selected.slice(0, 3 * layer.topK),
                weights: layer.weights.slice(0, 3 * layer.topK)
              }))
            }
      )
    };
    expect(warningsOf(whole, cut)).toEqual([
      expect.stringMatching(OTHER) as string
    ]);
  });

  it('does not come of tokenizers that cut one text into other tokens, or add to it', () => {
    const one = ['<s>', 'The', ' c', 'at', ' sat', '.'];
    const other = ['[CLS]', 'the', '▁cat', 's', 'at', '.'];
    const [a, b] = [one, other].map((texts, model) =>
      withTokens((_, at) => ({ id: 100 * (model + 1) + at, text: texts[at] }))
    );
    expect(warningsOf(a, b)).toEqual([]);
  });

  it('does not come of a share of the tokens, where those that both captured are the same', () => {
    const share = (step: number): ComparableTrace =>
      withTokens((_, at) => ({ id: 7 * step * at, position: step * at }));
    expect(warningsOf(share(2), share(3))).toEqual([]);
    const moved = withTokens((_, at) => ({ id: 7 * at, position: 3 * at }));
    expect(warningsOf(share(2), moved).join()).toMatch(
      /the tokens of 2 of 2 differ, first those of prompt 0/
    );
  });
});

it('names the edits of a trace, and a file without a hash, with the model', () => {
  const plain = traceOf([{ layer: 0 }], { integrity: 'hashed', edits: [] });
  const edited = traceOf([{ layer: 0 }], {
    integrity: 'unverified',
    edits: [{ kind: 'ablate', layer: 0, expert: 3, mode: 'mask' }]
  });
  const comparison = compareModels([plain, edited], {
    names: ['base', 'changed']
  });
  expect(comparison.warnings).toEqual([
    'changed: unverified: the trace file, or one that it was made of, has no hash of its content, so a damaged number may go unnoticed',
    'changed: the model had 1 edit: ablate expert 3 of layer 0 by mask'
  ]);
  expect(comparison.toString()).toContain(
    '\nwarning: changed: the model had 1 edit'
  );
});
