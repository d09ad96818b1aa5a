/** Validates documents and states of tools as untrusted input. */
import {
  changedTokens,
  decodeToolDocument,
  isToolDocument,
  ProtocolError,
  PROTOCOL_VERSION,
  readAttributionState,
  readCircuitState,
  readExpertsState,
  readLensState,
  readSteeringState,
  readSweepState,
  toolDocument,
  type AttributionState,
  type CircuitState,
  type ExpertsState,
  type LensState,
  type SteeringState,
  type SweepState
} from '.';

const texts = {
  running: false,
  prompt: 'a',
  maxNewTokens: 4,
  original: {
    tokens: [{ id: 1, text: 'b' }, { id: 2 }],
    status: 'done' as const,
    rates: [
      [0, 1],
      [0.5, 0.5]
    ]
  },
  edited: null,
  refusal: null
};
const experts: ExpertsState = {
  ...texts,
  rows: [
    { layer: 0, experts: 2, topK: 1 },
    { layer: 1, stack: 'decoder', module: 'mlp', experts: 2, topK: 1 }
  ],
  edits: [{ row: 1, expert: 0, kind: 'swap', to: 1 }],
  topK: [null, 2],
  traced: null,
  canUndo: true,
  canRedo: false
};
const steering: SteeringState = {
  ...texts,
  original: { tokens: [{ id: 1, text: 'b' }], status: 'cancelled' },
  rows: [{ layer: 3, norm: 2.5, scale: -1 }],
  contrast: { positive: 'x', negative: 'y' }
};
const top = [{ id: 5, text: 'c', logit: 1, probability: null }];
const reading = {
  position: 1,
  top,
  entropy: 0.5,
  klToFinal: null,
  rankOfFinal: 1
};
const lens: LensState = {
  running: false,
  prompt: '',
  done: 0,
  total: 0,
  refusal: null,
  shown: { layer: 0, position: 0 },
  lens: {
    model: 'demo',
    tokens: [
      { position: 0, id: 1 },
      { position: 1, id: 2, text: 'd' }
    ],
    positions: [1],
    layers: [{ layer: 0, top, readings: [reading] }],
    experts: [
      {
        layer: 0,
        experts: 2,
        topK: 1,
        score: 'softmax',
        positions: [{ position: 1, votes: [{ expert: 1, weight: 1, top }] }]
      }
    ],
    warnings: []
  }
};
const effect = {
  prompts: 1,
  promptsReached: 1,
  tokensAffected: 1,
  tokensReached: 2,
  klMean: 0.25,
  klLast: null,
  deltaLogProb: -1,
  deltaRank: 3
};
const sweep: SweepState = {
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
    routers: [{ layer: 0, experts: 2 }],
    rows: [
      {
        layer: 0,
        expert: 1,
        mode: 'mask',
        ...effect,
        tokens: [{ prompt: '0', position: 0, id: 1, text: 'a', kl: 0.5 }]
      }
    ],
    notes: ['one']
  }
};

const place = { layer: 0, stack: 'decoder' as const, module: 'mlp' };
const attribution: AttributionState = {
  running: false,
  question: {
    prompt: 'a b',
    target: { kind: 'router', position: null, ...place, expert: 1 },
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
      { position: 1, id: 2, attribution: -0.25 }
    ],
    value: 1,
    baselineValue: 0.5,
    gap: -0.25,
    routingChanges: 2,
    jumps: 0.25,
    resolved: true,
    faithfulness: {
      counts: [0, 1, 2],
      deletion: [1, 0.75, 0.5],
      insertion: [0.5, 0.75, 1],
      deletionMean: 0.75,
      insertionMean: 0.75,
      random: {
        orders: 8,
        deletionMean: 0.75,
        deletionDeviation: 0,
        insertionMean: 0.75,
        insertionDeviation: 0
      }
    },
    layers: [{ layer: 0, stack: 'decoder', attribution: 1 }],
    experts: [{ ...place, position: 1, expert: 1, weight: 1, attribution: 2 }],
    warnings: ['one']
  },
  choices: {
    position: 1,
    logits: { position: 1, top, actual: { ...top[0], probability: 0.5 } },
    routers: [
      { ...place, position: 1, experts: 2, chosen: [{ expert: 1, weight: 1 }] }
    ]
  },
  done: 8,
  total: 8,
  refusal: null
};

const circuit: CircuitState = {
  running: false,
  question: {
    clean: 'a b',
    other: 'prompt',
    corrupted: 'a c',
    target: {
      kind: 'logit-difference',
      position: null,
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
    corrupted: 'zero',
    target: { kind: 'logit', position: 0, token: 3 },
    direction: 'noising',
    values: { clean: 1, corrupted: 0 },
    nodes: [
      {
        id: 'layer 0 head 1',
        kind: 'head',
        layer: 0,
        index: 1,
        rank: 2,
        effect: 0.5,
        effects: [0.5],
        patched: 0.25
      },
      { id: 'logits', kind: 'logits', rank: 3, effect: null }
    ],
    edges: [{ from: 'layer 0 head 1', to: 'logits', effect: 0.5 }],
    edgesLeftOut: 2,
    threshold: 0.25,
    notes: ['one']
  },
  patches: [{ node: 'layer 0 head 1', position: 0, effect: 0.25 }],
  done: 3,
  total: 4,
  refusal: null,
  shown: { size: 1, node: null }
};

const READERS: [string, object, (value: unknown) => object][] = [
  ['experts', experts, readExpertsState],
  ['steering', steering, readSteeringState],
  ['lens', lens, readLensState],
  ['attribution', attribution, readAttributionState],
  ['circuit', circuit, readCircuitState],
  ['sweep', sweep, readSweepState]
];

describe.each(READERS)('the state of %s', (_, state, read) => {
  it('round-trips', () => {
    expect(read(JSON.parse(JSON.stringify(state)))).toEqual(state);
  });

  it('drops unknown fields', () => {
    expect(read({ ...state, html: '<script>' })).toEqual(state);
  });

  it('yields a state or an error that is safe to display, whatever value is replaced', () => {
    for (const wrong of [
      undefined,
      Number.NaN,
      'text',
      -1,
      {},
      [[]],
      [null],
      1e12
    ]) {
      for (const change of changes(state, wrong)) {
        try {
          read(change.state);
        } catch (error) {
          // Some replacements are valid in some fields.
          expect([change.path, error]).toEqual([
            change.path,
            expect.any(ProtocolError)
          ]);
        }
      }
    }
  });
});

/** The state with one of its values replaced, for each value. */
function* changes(
  state: unknown,
  value: unknown,
  path = ''
): Generator<{ state: unknown; path: string }> {
  yield { state: value, path };
  if (typeof state === 'object' && state !== null) {
    for (const key of Object.keys(state)) {
      const own = (state as Record<string, unknown>)[key];
      for (const inner of changes(own, value, `${path}.${key}`)) {
        const copy: Record<string, unknown> | unknown[] = Array.isArray(state)
          ? ([...state] as unknown[])
          : { ...state };
        (copy as Record<string, unknown>)[key] = inner.state;
        yield { state: copy, path: inner.path };
      }
    }
  }
}

describe('inconsistent states', () => {
  const refuse = (change: object, reason: RegExp): void =>
    expect(() => readExpertsState({ ...experts, ...change })).toThrow(reason);

  it('are rejected', () => {
    refuse({ rows: [] }, /cannot be shown/);
    refuse({ rows: [{ layer: 0, experts: 1 << 20, topK: 1 }] }, /cannot be/);
    refuse({ topK: [null] }, /topK has 1 entries for 2 rows/);
    refuse({ edits: [{ row: 2, expert: 0, kind: 'mask' }] }, /edits\[0\].row/);
    refuse({ edits: [{ row: 0, expert: 2, kind: 'mask' }] }, /expert/);
    refuse({ traced: [[0, 1]] }, /traced does not fit/);
    refuse({ refusal: { text: 'x', row: 9 } }, /refusal.row/);
    expect(() =>
      readSweepState({
        ...sweep,
        sweep: { ...sweep.sweep, routers: [{ layer: 4, experts: 2 }] }
      })
    ).toThrow(/not listed/);
    expect(() =>
      readLensState({ ...lens, lens: { ...lens.lens, positions: [0, 1] } })
    ).toThrow(/does not fit the positions/);
  });
});

describe('a tool document', () => {
  it('is distinguished from a routing view', () => {
    const document = toolDocument('experts', 'demo', experts, 'w');
    expect(isToolDocument(document)).toBe(true);
    expect(isToolDocument({ ...document, view: 'explorer' })).toBe(false);
    expect(isToolDocument(null)).toBe(false);
    expect(decodeToolDocument(document)).toEqual(document);
  });

  it('asks for an update when it is newer', () => {
    const document = toolDocument('experts', 'demo', experts);
    expect(() =>
      decodeToolDocument({ ...document, version: PROTOCOL_VERSION + 1 })
    ).toThrow(/update the extension/);
  });
});

describe('changedTokens', () => {
  it('compares tokens at the same index', () => {
    const ids = (...all: number[]): { id: number }[] => all.map(id => ({ id }));
    expect(changedTokens(ids(1, 2, 3), ids(1, 4, 3, 5))).toEqual([
      false,
      true,
      false,
      true
    ]);
  });
});
