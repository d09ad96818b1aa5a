/** Documents as text, for front ends that draw nothing. */
import {
  attribution,
  circuit,
  experts,
  findings,
  lens,
  steering,
  sweep
} from '../../../test/protocol-documents';
import { describeAttribution } from './attribution';
import { describeCircuitTarget } from './circuit-text';
import {
  describeCircuitView,
  describeExperts,
  describeFindings,
  describeLens,
  describeSteering,
  describeSweep,
  describeTokenAttribution
} from '.';

describe('as text', () => {
  it('experts: the edits, and both texts', () => {
    expect(describeExperts('demo', experts)).toBe(
      [
        'ExpertSelector of demo: swap expert 0 for 1 in decoder layer 1 mlp, top-2 in decoder layer 1 mlp',
        'prompt: a',
        'original: b'
      ].join('\n')
    );
    expect(
      describeExperts('demo', {
        ...experts,
        edits: [],
        topK: [null, null],
        prompt: '',
        original: null,
        edited: { tokens: [{ id: 4 }, { id: 5 }], status: 'done' }
      })
    ).toBe('ExpertSelector of demo: no edits\nedited: 4 5');
  });

  it('steering: the layers that are steered', () => {
    expect(describeSteering('demo', steering).split('\n')[0]).toBe(
      'SteeringControls of demo: -1 × the vector of encoder layer 3'
    );
    expect(
      describeSteering('demo', {
        ...steering,
        rows: [{ layer: 0, norm: 1, scale: 0 }]
      }).split('\n')[0]
    ).toBe('SteeringControls of demo: not steered');
  });

  it('lens: the top tokens of each layer at the last position', () => {
    expect(describeLens('demo', lens)).toBe(
      'LayerLens of demo, after "d":\ndecoder layer 0: "c"'
    );
    expect(describeLens('demo', { ...lens, lens: null })).toBe(
      'LayerLens of demo'
    );
    const [layer] = lens.lens!.layers;
    const [reading] = layer.readings;
    const many = Array.from({ length: 7 }, (_, id) => ({
      id,
      logit: 0,
      probability: 0
    }));
    expect(
      describeLens('demo', {
        ...lens,
        lens: {
          ...lens.lens!,
          tokens: [{ position: 0, id: 8 }],
          positions: [0],
          layers: [{ ...layer, readings: [{ ...reading, top: many }] }]
        }
      })
    ).toBe('LayerLens of demo, after 8:\ndecoder layer 0: 0, 1, 2, 3, 4');
  });

  it('sweep: the strongest experts first', () => {
    const [row] = sweep.sweep!.rows;
    const rows = [null, 0.5, 2, ...Array<number>(9).fill(0.125)].map(
      (klMean, expert) => ({ ...row, klMean, expert })
    );
    const lines = describeSweep('demo', {
      ...sweep,
      sweep: { ...sweep.sweep!, rows }
    }).split('\n');
    expect(lines[0]).toBe(
      'SweepView of demo: 1 of 2 (prompt, expert) pairs measured by mask'
    );
    expect(lines.slice(1, 4)).toEqual([
      'decoder layer 0 mlp, expert 2: mean KL 2.000',
      'decoder layer 0 mlp, expert 1: mean KL 0.5000',
      'decoder layer 0 mlp, expert 3: mean KL 0.1250'
    ]);
    expect(lines).toHaveLength(11);
    expect(
      describeSweep('demo', {
        ...sweep,
        sweep: { ...sweep.sweep!, rows: rows.slice(0, 1) }
      }).split('\n')[1]
    ).toBe('decoder layer 0 mlp, expert 0: mean KL -');
    expect(describeSweep('demo', { ...sweep, sweep: null })).toBe(
      'SweepView of demo'
    );
  });

  it('attribution: a bar for each token, the sum, and what supports it', () => {
    expect(describeTokenAttribution('demo', attribution).split('\n')).toEqual([
      'TokenAttribution of demo: logit of "c" after token 1 by integrated gradients:',
      '   0      0.5000  ++++++++++++++++++++  "a"',
      '   1     -0.2500  ----------            "b"',
      'target 1.0000, at the baseline 0.5000; the attributions add up to 0.2500, a gap of -0.2500',
      'decoder layer 0 mlp expert 1 at token 1: 2.0000 (weight 1.00)',
      'deletion 0.7500 (random 0.7500 ± 0.1250), insertion 0.8750 (random 0.6250 ± 0.2500)',
      'note: one'
    ]);
    expect(
      describeTokenAttribution('demo', { ...attribution, attribution: null })
    ).toBe('TokenAttribution of demo');
    const zero = describeAttribution({
      ...attribution.attribution!,
      target: { kind: 'router', position: 1, layer: 2, expert: 3 },
      method: 'occlusion',
      tokens: [{ position: 0, id: 9, attribution: 0 }],
      experts: undefined,
      faithfulness: undefined,
      warnings: []
    }).split('\n');
    expect(zero.slice(0, 2)).toEqual([
      'score of layer 2 expert 3 at token 1 by occlusion:',
      `   0      0.0000  ${' '.repeat(20)}  9`
    ]);
    expect(zero).toHaveLength(3);
  });

  it('attribution: the strongest eight experts', () => {
    const [own] = attribution.attribution!.experts!;
    const found = describeAttribution({
      ...attribution.attribution!,
      experts: Array.from({ length: 10 }, (_, i) => ({
        ...own,
        expert: i,
        attribution: i % 2 === 0 ? -i : i
      }))
    }).split('\n');
    const listed = found.filter(line => line.startsWith('decoder layer'));
    expect(listed).toHaveLength(8);
    expect(listed[0]).toContain('expert 9 at token 1: 9.0000');
    expect(listed[1]).toContain('expert 8 at token 1: -8.0000');
  });

  it('circuit: its figures, its edges and what was patched', () => {
    expect(describeCircuitView('demo', circuit).split('\n')).toEqual([
      'CircuitView of demo',
      'Circuit of demo: logit of "c" minus that of "d" after token 0',
      'clean 1.0000, corrupted 0.0000; effects of patching corrupted activations into the clean run',
      'faithfulness by edges of 3: ',
      'first-order and measured effects of 2 nodes: Pearson 0.750, Spearman 0.500, same sign 0.500',
      'first-order and measured effects of 3 nodes at single tokens: Pearson 0.500, Spearman 0.250, same sign 1.000',
      '1 of 1 edge between 3 nodes:',
      '  layer 0 expert 1 > logits: router 0.500',
      'note: one',
      'patched: layer 0 expert 1 at token 0: 0.2500'
    ]);
    expect(
      describeCircuitView('demo', {
        ...circuit,
        patches: [
          { node: 'x', position: null, effect: null },
          { node: 'y', position: 2, effect: 1 }
        ]
      })
        .split('\n')
        .slice(-2)
    ).toEqual(['patched: x: -', 'patched: y at token 2: 1.0000']);
    expect(describeCircuitView('demo', { ...circuit, circuit: null })).toBe(
      'CircuitView of demo'
    );
  });

  it('circuit: nodes where there are no edges, and only the strongest of many', () => {
    const data = circuit.circuit!;
    const nodes = Array.from({ length: 45 }, (_, i) => ({
      id: `node ${i}`,
      kind: 'head' as const,
      rank: i,
      effect: i % 2 === 0 ? i : -i,
      ...(i === 43 ? { patched: 0.5 } : {}),
      ...(i === 42 ? { patched: null } : {})
    }));
    const lines = describeCircuitView('demo', {
      ...circuit,
      patches: [],
      circuit: {
        ...data,
        direction: 'denoising',
        faithfulness: undefined,
        correlation: undefined,
        edges: [],
        threshold: 2,
        notes: [],
        nodes: [
          ...nodes,
          { id: 'logits', kind: 'logits', rank: 99, effect: null }
        ]
      }
    }).split('\n');
    expect(lines.slice(2, 7)).toEqual([
      'clean 1.0000, corrupted 0.0000; effects of patching clean activations into the corrupted run',
      '43 of 46 nodes:',
      '  node 44: 44.0000',
      '  node 43: -43.0000, measured 0.5000',
      '  node 42: 42.0000'
    ]);
    expect(lines.at(-1)).toBe('  ... and 3 weaker ones');
    expect(lines).toHaveLength(4 + 40 + 1);
  });

  it('circuit: faithfulness between the empty and the whole one', () => {
    const point = (size: number, faithfulness: number | null) => ({
      size,
      threshold: 0.5,
      value: 1,
      faithfulness
    });
    const { circuit: data } = circuit;
    expect(
      describeCircuitView('demo', {
        ...circuit,
        circuit: {
          ...data!,
          faithfulness: {
            of: 'nodes',
            total: 9,
            points: [
              point(0, 0),
              {
                ...point(2, 0.25),
                random: { circuits: 3, mean: null, deviation: 0.125 }
              },
              point(5, null),
              point(9, 1)
            ]
          }
        }
      }).split('\n')[3]
    ).toBe('faithfulness by nodes of 9: 2: 0.250 (random - ± 0.125), 5: -');
  });

  it('circuit targets of each kind', () => {
    const token = { position: 3, token: 7 };
    expect(describeCircuitTarget({ kind: 'logit', ...token })).toBe(
      'logit of 7 after token 3'
    );
    expect(
      describeCircuitTarget({ kind: 'log-probability', ...token, text: 'x' })
    ).toBe('log-probability of "x" after token 3');
    expect(
      describeCircuitTarget({ kind: 'logit-difference', ...token, against: 8 })
    ).toBe('logit of 7 minus that of 8 after token 3');
    expect(
      describeCircuitTarget({
        kind: 'router',
        position: 3,
        layer: 1,
        stack: 'encoder',
        module: 'mlp',
        expert: 2
      })
    ).toBe('score of encoder layer 1 mlp expert 2 at token 3');
  });

  it('findings: all of them, what is undecided and what was not looked at', () => {
    expect(describeFindings('', findings)).toBe(
      [
        'Findings of a trace: 1, in 12,000 tokens',
        'unverified: the trace file, or one that it was made of, has no hash of its content, so a damaged number may go unnoticed',
        'error  decoder layer 2 mlp: dead-expert: Expert 3 takes no token.',
        'decoder layer 2 mlp: dead-expert: too little text',
        'drift: not looked at: one text only'
      ].join('\n')
    );
    expect(
      describeFindings('demo', {
        ...findings,
        found: {
          ...findings.found,
          integrity: undefined,
          tokens: 1,
          findings: [],
          undecided: [],
          checks: [
            { ...findings.found.checks[0], why: undefined, looked: true }
          ]
        }
      })
    ).toBe('Findings of demo: 0, in 1 token');
  });
});
