/** A sound state of each tool, with a value in nearly every field. */
import type {
  AttributionState,
  CircuitState,
  ExpertsState,
  LensState,
  SteeringState,
  SweepState
} from '../src/base/protocol';

const texts = {
  running: false,
  prompt: 'a',
  maxNewTokens: 4,
  original: {
    tokens: [{ id: 1, text: 'b' }],
    status: 'done' as const,
    rates: [
      [0, 1],
      [0.5, 0.5]
    ]
  },
  edited: null,
  refusal: { text: 'no', row: 0 }
};

export const experts: ExpertsState = {
  ...texts,
  rows: [
    { layer: 0, experts: 2, topK: 1 },
    { layer: 1, stack: 'decoder', module: 'mlp', experts: 2, topK: 1 }
  ],
  edits: [{ row: 1, expert: 0, kind: 'swap', to: 1 }],
  topK: [null, 2],
  traced: [
    [0, 1],
    [1, 0]
  ],
  canUndo: true,
  canRedo: false
};

export const steering: SteeringState = {
  ...texts,
  original: { tokens: [{ id: 1, text: 'b' }], status: 'cancelled' },
  rows: [{ layer: 3, stack: 'encoder', norm: 2.5, scale: -1 }],
  contrast: { positive: 'x', negative: 'y' }
};

const top = [{ id: 5, text: 'c', logit: 1, probability: 0.5 }];
const reading = {
  position: 1,
  top,
  entropy: 0.5,
  klToFinal: 0.25,
  rankOfFinal: 1
};

export const lens: LensState = {
  running: false,
  prompt: 'a d',
  done: 1,
  total: 2,
  refusal: null,
  shown: { layer: 0, position: 0 },
  lens: {
    model: 'demo',
    tokens: [
      { position: 0, id: 1, text: 'a' },
      { position: 1, id: 2, text: 'd' }
    ],
    positions: [1],
    layers: [{ layer: 0, stack: 'decoder', top, readings: [reading] }],
    experts: [
      {
        layer: 0,
        stack: 'decoder',
        module: 'mlp',
        experts: 2,
        topK: 1,
        score: 'softmax',
        positions: [{ position: 1, votes: [{ expert: 1, weight: 1, top }] }]
      }
    ],
    warnings: ['one']
  }
};

const effect = {
  prompts: 1,
  promptsReached: 1,
  tokensAffected: 1,
  tokensReached: 2,
  klMean: 0.25,
  klLast: 0.5,
  deltaLogProb: -1,
  deltaRank: 3
};

export const sweep: SweepState = {
  running: false,
  prompts: 'a\nb',
  mode: 'mask',
  refusal: null,
  sweep: {
    schema: 'moe-debugger/sweep@1',
    model: 'demo',
    mode: 'mask',
    prompts: 1,
    tokens: 2,
    done: 1,
    total: 2,
    routers: [{ layer: 0, stack: 'decoder', module: 'mlp', experts: 2 }],
    rows: [
      {
        layer: 0,
        stack: 'decoder',
        module: 'mlp',
        expert: 1,
        mode: 'mask',
        ...effect,
        domains: [{ domain: 'code', ...effect }],
        tokens: [
          {
            prompt: '0',
            position: 0,
            id: 1,
            text: 'a',
            before: 'x',
            kl: 0.5
          }
        ]
      }
    ],
    notes: ['one']
  }
};

const place = { layer: 0, stack: 'decoder' as const, module: 'mlp' };

export const attribution: AttributionState = {
  running: false,
  question: {
    prompt: 'a b',
    target: { kind: 'router', position: 0, ...place, expert: 1 },
    method: 'ig',
    steps: 8,
    baseline: { kind: 'token', text: 'the' }
  },
  attribution: {
    schema: 'moe-debugger/attribute@1',
    target: { kind: 'logit', position: 1, token: 3, text: 'c' },
    method: 'ig',
    baseline: { token: 'the' },
    rule: 'midpoint',
    steps: 8,
    batch: 4,
    tokens: [
      { position: 0, id: 1, text: 'a', attribution: 0.5 },
      { position: 1, id: 2, text: 'b', attribution: -0.25 }
    ],
    value: 1,
    baselineValue: 0.5,
    gap: -0.25,
    routingChanges: 2,
    jumps: 0.25,
    resolved: true,
    faithfulness: {
      counts: [0, 1],
      deletion: [1, 0.75],
      insertion: [0.5, 0.75],
      deletionMean: 0.75,
      insertionMean: 0.875,
      random: {
        orders: 8,
        deletionMean: 0.75,
        deletionDeviation: 0.125,
        insertionMean: 0.625,
        insertionDeviation: 0.25
      }
    },
    layers: [{ layer: 0, stack: 'decoder', attribution: 1 }],
    experts: [{ ...place, position: 1, expert: 1, weight: 1, attribution: 2 }],
    warnings: ['one']
  },
  choices: {
    position: 1,
    logits: { position: 1, top, actual: top[0] },
    routers: [
      { ...place, position: 1, experts: 2, chosen: [{ expert: 1, weight: 1 }] }
    ]
  },
  done: 8,
  total: 8,
  refusal: { text: 'no', row: null }
};

export const circuit: CircuitState = {
  running: false,
  question: {
    clean: 'a b',
    other: 'prompt',
    corrupted: 'a c',
    target: {
      kind: 'logit-difference',
      position: 0,
      token: 'd',
      against: '',
      layer: 0,
      expert: 0
    },
    direction: 'noising',
    edges: true
  },
  circuit: {
    schema: 'moe-debugger/circuit@1',
    model: 'demo',
    clean: [{ position: 0, id: 1, text: 'a' }],
    corrupted: [{ position: 0, id: 2, text: 'b' }],
    target: {
      kind: 'logit-difference',
      position: 0,
      token: 3,
      text: 'c',
      against: 4,
      againstText: 'd',
      layer: 0,
      stack: 'decoder',
      module: 'mlp',
      expert: 1
    },
    direction: 'noising',
    values: { clean: 1, corrupted: 0 },
    nodes: [
      { id: 'layer 0', kind: 'moe', layer: 0, rank: 1, effect: 1 },
      {
        id: 'layer 0 expert 1',
        kind: 'expert',
        layer: 0,
        stack: 'decoder',
        index: 1,
        within: 'layer 0',
        rank: 2,
        effect: 0.5,
        effects: [0.5],
        patched: 0.25,
        patchedAt: [0.25]
      },
      { id: 'logits', kind: 'logits', rank: 3, effect: null }
    ],
    edges: [
      {
        from: 'layer 0 expert 1',
        to: 'logits',
        input: 'router',
        effect: 0.5
      }
    ],
    edgesLeftOut: 2,
    threshold: 0.25,
    faithfulness: {
      of: 'edges',
      total: 3,
      points: [
        {
          size: 1,
          threshold: 0.5,
          value: 0.5,
          faithfulness: 0.5,
          random: { circuits: 4, mean: 0.25, deviation: 0.125 }
        }
      ]
    },
    correlation: {
      cells: { pearson: 0.5, spearman: 0.25, sameSign: 1, n: 3 },
      nodes: { pearson: 0.75, spearman: 0.5, sameSign: 0.5, n: 2 }
    },
    notes: ['one']
  },
  patches: [{ node: 'layer 0 expert 1', position: 0, effect: 0.25 }],
  done: 3,
  total: 4,
  refusal: { text: 'no', row: null },
  shown: { size: 1, node: 'logits' }
};
