import {
  circuitThreshold,
  pruneCircuit,
  type CircuitDocument
} from './circuit';
import { readCircuitDocument } from './read-circuit';

const tokens = [
  { position: 0, id: 7, text: 'a' },
  { position: 1, id: 8 }
];

/** embedding -> head -> logits; embedding -> expert is a dead end. */
const circuit: CircuitDocument = {
  schema: 'moe-debugger/circuit@1',
  model: 'm',
  clean: tokens,
  corrupted: 'zero',
  target: { kind: 'logit', position: 1, token: 3, text: 'x' },
  direction: 'noising',
  values: { clean: 2, corrupted: -1 },
  nodes: [
    { id: 'embedding', kind: 'embedding', rank: 0, effect: null },
    {
      id: 'layer 0 head 1',
      kind: 'head',
      layer: 0,
      index: 1,
      rank: 1,
      effect: -2,
      effects: [-2, 0],
      patched: -1.5,
      patchedAt: [null, 0]
    },
    {
      id: 'layer 0 expert 4',
      kind: 'expert',
      layer: 0,
      index: 4,
      rank: 2,
      effect: 1
    },
    { id: 'logits', kind: 'logits', rank: 3, effect: null }
  ],
  edges: [
    { from: 'embedding', to: 'layer 0 expert 4', input: 'router', effect: -3 },
    { from: 'layer 0 head 1', to: 'logits', effect: -2 },
    { from: 'embedding', to: 'layer 0 head 1', input: 'key', effect: 1 },
    { from: 'layer 0 expert 4', to: 'logits', effect: 0.5 }
  ],
  edgesLeftOut: 0,
  threshold: 1,
  faithfulness: {
    of: 'edges',
    total: 4,
    points: [
      { size: 0, threshold: null, value: -1, faithfulness: 0 },
      {
        size: 4,
        threshold: 0.5,
        value: 2,
        faithfulness: 1,
        random: { circuits: 3, mean: 1, deviation: 0 }
      }
    ]
  },
  correlation: {
    cells: { pearson: 0.9, spearman: null, sameSign: 1, n: 3 }
  },
  notes: ['a note']
};

describe('readCircuitDocument', () => {
  const changed = (change: (copy: CircuitDocument) => void): unknown => {
    const copy = JSON.parse(JSON.stringify(circuit)) as CircuitDocument;
    change(copy);
    return copy;
  };

  it('reads the document, without unknown fields', () => {
    expect(readCircuitDocument(JSON.parse(JSON.stringify(circuit)))).toEqual(
      circuit
    );
    expect(readCircuitDocument({ ...circuit, script: '<b>' })).toEqual(circuit);
  });

  it.each<[string, unknown]>([
    ['not an object', 5],
    ['schema', { ...circuit, schema: 'moe-debugger/sweep@1' }],
    ['same id', changed(copy => (copy.nodes[1].id = 'embedding'))],
    ['edges\\[1\\]', changed(copy => (copy.edges[1].to = 'nowhere'))],
    ['edges\\[1\\]', changed(copy => (copy.edges[1].to = 'embedding'))],
    ['nodes\\[1\\].kind', changed(copy => (copy.nodes[1].kind = 'x' as never))],
    ['effects', changed(copy => copy.nodes[1].effects!.push(0))],
    ['values.clean', changed(copy => (copy.values.clean = null as never))],
    ['threshold', { ...circuit, threshold: Infinity }],
    ['target.position', changed(copy => (copy.target.position = -1))],
    ['within', changed(copy => (copy.nodes[2].within = 'logits'))],
    ['corrupted', { ...circuit, corrupted: 'all' }]
  ])('names the invalid field: %s', (message, value) => {
    expect(() => readCircuitDocument(value)).toThrow(new RegExp(message));
  });
});

describe('pruneCircuit', () => {
  const ids = (threshold: number, document = circuit): string[][] => {
    const { nodes, edges } = pruneCircuit(document, threshold);
    return [
      nodes.map(({ id }) => id),
      edges.map(({ from, to }) => `${from} > ${to}`)
    ];
  };

  it('prunes weak edges, and dead ends', () => {
    expect(ids(0)[0]).toHaveLength(4);
    expect(ids(0)[1]).toHaveLength(4);
    expect(ids(1)).toEqual([
      ['embedding', 'layer 0 head 1', 'logits'],
      ['layer 0 head 1 > logits', 'embedding > layer 0 head 1']
    ]);
    expect(ids(2.5)).toEqual([['logits'], []]);
  });

  it('keeps the readers of a node', () => {
    const router = { id: 'layer 0', kind: 'moe' as const, rank: 1, effect: 0 };
    const [embedding, head, expert, logits] = circuit.nodes;
    const nodes = [embedding, head, router, { ...expert, within: 'layer 0' }];
    const edges = [
      { from: 'embedding', to: 'layer 0', effect: -3 },
      { from: expert.id, to: 'logits', effect: 2 },
      circuit.edges[1]
    ];
    expect(ids(2, { ...circuit, nodes: [...nodes, logits], edges })[0]).toEqual(
      ['embedding', head.id, 'layer 0', expert.id, 'logits']
    );
  });

  it('keeps strong nodes where there are no edges', () => {
    expect(ids(1.5, { ...circuit, edges: [] })[0]).toEqual([
      'layer 0 head 1',
      'logits'
    ]);
  });

  it('finds the threshold of a size', () => {
    expect([0, 1, 3, 9].map(size => circuitThreshold(circuit, size))).toEqual([
      Number.MAX_VALUE,
      3,
      1,
      0.5
    ]);
  });
});
