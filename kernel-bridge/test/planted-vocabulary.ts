/**
 * Models in which each expert says what was planted: it adds a direction that all experts share, the unembedding rows of a
 * few tokens, and noise that has no mean over texts. Some rows of the unembedding are untrained.
 */
import { randomNumbers } from '../src/base/statistics/random';
import { GraphBuilder } from './graph-builder';
import { attentionOfNothing, matrix } from './graph-parts';

export interface PlantedVocabulary {
  experts: number;
  topK: number;
  /** By expert: how strongly it says its tokens, in nats; 0: nothing is planted. */
  strengths: readonly number[];
  vocabulary: number;
  /** Tokens that training never had: their rows are alike. */
  untrained: number;
  seed: number;
}

export interface PlantedModel {
  graph: GraphBuilder;
  /** By expert: the tokens that it says more than the others do. */
  tokens: number[][];
  /** Tokens that all experts raise alike. */
  common: number[];
  untrained: number[];
  /** Texts of token ids; each leans to one side of the noise. */
  texts: (count: number, length: number, seed: number) => number[][];
}

/** Parts of the stream: what routers read, what noise depends on, a constant, and what the unembedding reads. */
const ROUTED = 12;
const CONTENT = 8;
const SAID = 64;
const ALWAYS = ROUTED + CONTENT;
const FIRST_SAID = ALWAYS + 1;
const HIDDEN = FIRST_SAID + SAID;
const TOKENS_PLANTED = 3;
const TOKENS_COMMON = 12;
/** How strongly all experts raise the common tokens, and lower the untrained ones. */
const COMMON = 6;
const NOISE = 0.6;

export function plantedVocabulary(plan: PlantedVocabulary): PlantedModel {
  const { experts, topK, strengths, vocabulary, untrained, seed } = plan;
  const random = randomNumbers(seed);
  const normal = (): number =>
    Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const vector = (size: number, scale = 1): number[] =>
    Array.from({ length: size }, () => (scale * normal()) / Math.sqrt(size));

  // The last tokens are untrained: one row and a little of its own each.
  const firstUntrained = vocabulary - untrained;
  const alike = vector(SAID, 0.7);
  const rows = Array.from({ length: vocabulary }, (_, id) =>
    id < firstUntrained
      ? vector(SAID)
      : vector(SAID, 0.05).map((value, i) => value + alike[i])
  );
  const ids = shuffled(firstUntrained, random);
  const common = ids.slice(0, TOKENS_COMMON);
  const tokens = strengths.map((strength, e) =>
    strength === 0
      ? []
      : ids.slice(
          TOKENS_COMMON + e * TOKENS_PLANTED,
          TOKENS_COMMON + (e + 1) * TOKENS_PLANTED
        )
  );
  const shared = Array.from(
    { length: SAID },
    (_, i) =>
      common.reduce((sum, id) => sum + COMMON * rows[id][i], 0) -
      (untrained > 0 ? COMMON * 2 * alike[i] : 0)
  );

  const b = new GraphBuilder({ seed });
  const input = b.input('input_ids', 'int64', ['batch', 'sequence']);
  // Tokens 2m and 2m + 1 are routed alike, and have opposite noise.
  const routed = Array.from({ length: vocabulary }, () => vector(ROUTED, 3));
  // A part that all contents share: so the noise of a text's tokens goes one way.
  const drift = vector(CONTENT, 1.4);
  const content = Array.from({ length: vocabulary }, () =>
    vector(CONTENT, 1.4).map((value, i) => value + drift[i])
  );
  let x = b.op('Gather', [
    matrix(b, vocabulary, HIDDEN, (id, at) => {
      const pair = id >> 1;
      return at < ROUTED
        ? routed[pair][at]
        : at < ALWAYS
          ? content[pair][at - ROUTED] * (id % 2 === 0 ? 1 : -1)
          : at === ALWAYS
            ? 1
            : 0;
    }),
    input
  ]);
  x = b.op('Add', [x, attentionOfNothing(b, x, HIDDEN)]);
  const flat = b.op('Reshape', [x, b.ints([-1, HIDDEN])]);
  const gate = Array.from({ length: ROUTED }, () => vector(experts, 4));
  const logits = b.op('MatMul', [
    flat,
    matrix(b, HIDDEN, experts, (at, e) => (at < ROUTED ? gate[at][e] : 0))
  ]);
  const [values, selected] = b.many(
    'TopK',
    [b.op('Softmax', [logits], { axis: -1 }), b.ints([topK])],
    2
  );
  const weights = b.op('Div', [
    values,
    b.over('ReduceSum', values, [-1], { keepdims: 1 })
  ]);
  // Neurons: one that is always on, and for each side of the content one.
  const neurons = 1 + 2 * CONTENT;
  const up = Array.from({ length: experts * HIDDEN * neurons }, (_, i) => {
    const neuron = i % neurons;
    const at = Math.floor(i / neurons) % HIDDEN;
    const read = ROUTED + ((neuron - 1) >> 1);
    return neuron === 0
      ? Number(at === ALWAYS)
      : at === read
        ? neuron % 2 === 1
          ? 1
          : -1
        : 0;
  });
  const noise = Array.from({ length: experts * CONTENT }, () =>
    vector(SAID, NOISE * Math.sqrt(SAID))
  );
  const down = Array.from({ length: experts * neurons * HIDDEN }, (_, i) => {
    const said = (i % HIDDEN) - FIRST_SAID;
    const neuron = Math.floor(i / HIDDEN) % neurons;
    const expert = Math.floor(i / HIDDEN / neurons);
    if (said < 0) {
      return 0;
    }
    if (neuron === 0) {
      const planted = tokens[expert].reduce(
        (sum, id) => sum + strengths[expert] * rows[id][said],
        0
      );
      return shared[said] + planted;
    }
    const own = noise[expert * CONTENT + ((neuron - 1) >> 1)][said];
    return neuron % 2 === 1 ? own : -own;
  });
  const inner = b.op('Relu', [
    b.op('MatMul', [
      b.over('Unsqueeze', flat, [0]),
      b.floats(up, [experts, HIDDEN, neurons])
    ])
  ]);
  const each = b.op('MatMul', [
    inner,
    b.floats(down, [experts, neurons, HIDDEN])
  ]);
  const count = b.op('Gather', [b.op('Shape', [flat]), b.ints([0])]);
  const dense = b.op(
    'ScatterElements',
    [
      b.op('ConstantOfShape', [
        b.op('Concat', [count, b.ints([experts])], { axis: 0 })
      ]),
      selected,
      weights
    ],
    { axis: 1 }
  );
  const factors = b.over(
    'Unsqueeze',
    b.op('Transpose', [dense], { perm: [1, 0] }),
    [-1]
  );
  const added = b.over('ReduceSum', b.op('Mul', [each, factors]), [0], {
    keepdims: 0
  });
  x = b.op('Add', [x, b.op('Reshape', [added, b.op('Shape', [x])])]);
  const out = b.op('MatMul', [
    x,
    matrix(b, HIDDEN, vocabulary, (at, id) =>
      at < FIRST_SAID ? 0 : rows[id][at - FIRST_SAID]
    )
  ]);
  b.nodes.push({
    opType: 'Identity',
    input: [out],
    output: ['logits'],
    attribute: []
  });
  b.output('logits', 'float', ['batch', 'sequence', vocabulary]);
  return {
    graph: b,
    tokens,
    common,
    untrained: Array.from({ length: untrained }, (_, i) => firstUntrained + i),
    texts: (texts, length, textSeed) => {
      const draw = randomNumbers(textSeed);
      return Array.from({ length: texts }, () => {
        const side = draw() < 0.5 ? 0.2 : 0.8;
        return Array.from(
          { length },
          () =>
            2 * Math.floor((draw() * firstUntrained) / 2) +
            (draw() < side ? 0 : 1)
        );
      });
    }
  };
}

function shuffled(count: number, random: () => number): number[] {
  return Array.from({ length: count }, (_, id) => ({ id, at: random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ id }) => id);
}
