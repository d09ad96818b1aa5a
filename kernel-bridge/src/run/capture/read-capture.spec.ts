import type { RunOutputs } from '../engine/engine';
import { tensor } from '../../../test/graph-builder';
import type { GraphProto } from '../../onnx/file/schema';
import { captureGraph, CAPTURE_OUTPUTS } from '../../routing/capture';
import type {
  Convention,
  Router,
  RouterTensors
} from '../../routing/convention';
import { readCapture } from './read-capture';

const CONVENTION: Convention = {
  score: 'softmax',
  scoreBeforeTopK: true,
  renormalized: true
};

function router(
  layer: number,
  tensors: Partial<RouterTensors> = {},
  convention: Partial<Convention> = {}
): Router {
  return {
    layer,
    experts: 3,
    topK: 2,
    convention: { ...CONVENTION, ...convention },
    pattern: 'softmax > top-k > renormalise',
    tensors: {
      logits: `logits${layer}`,
      logitsAre: 'logits',
      selected: [`selected${layer}`],
      weights: [`weights${layer}`],
      ...tensors
    },
    sharedExperts: 0,
    selectors: []
  };
}

const graph: GraphProto = {
  node: [],
  initializer: [tensor('w', 1, [1])],
  input: [],
  output: [{ name: 'logits' }],
  valueInfo: []
};

/** Two tokens: softmax (1, 2, 3)/6 and (2, 1, 1)/4. Renormalised: 2 and 1 with 3/5, 2/5; 0 and 1 with 2/3, 1/3. */
const LOGITS = [0, Math.log(2), Math.log(3), Math.log(2), 0, 0];
const SELECTED = [2, 1, 0, 1];
const WEIGHTS = [0.6, 0.4, 2 / 3, 1 / 3];

function outputs(
  logits = LOGITS,
  selected = SELECTED,
  weights = WEIGHTS
): RunOutputs {
  return {
    [CAPTURE_OUTPUTS.logits]: {
      type: 'float32',
      dims: [logits.length],
      data: Float32Array.from(logits)
    },
    [CAPTURE_OUTPUTS.selected]: {
      type: 'int32',
      dims: [selected.length],
      data: Int32Array.from(selected)
    },
    [CAPTURE_OUTPUTS.weights]: {
      type: 'float32',
      dims: [weights.length],
      data: Float32Array.from(weights)
    }
  };
}

function read(routers: Router[], run: RunOutputs, tokens = 2) {
  return readCapture(
    routers,
    captureGraph(graph, routers).plan,
    run,
    () => tokens
  );
}

describe('captureGraph', () => {
  it('adds one output a kind and does not modify its argument', () => {
    const captured = captureGraph(graph, [router(0), router(1)]);
    expect(captured.graph.output.map(({ name }) => name)).toEqual([
      'logits',
      'moe_debugger/logits',
      'moe_debugger/selected',
      'moe_debugger/weights'
    ]);
    expect(captured.graph.initializer[0]).toBe(graph.initializer[0]);
    expect(captured.plan.segments.logits).toEqual([
      { router: 0, width: 3 },
      { router: 1, width: 3 }
    ]);
    expect(graph.node).toEqual([]);
    expect(graph.output).toHaveLength(1);
  });

  it('refuses a graph without routers', () => {
    expect(() => captureGraph(graph, [])).toThrow(
      expect.objectContaining({ code: 'not-a-moe' })
    );
  });
});

describe('readCapture', () => {
  it('gives each layer its part of the flat outputs', () => {
    const twice = (values: number[]): number[] => [...values, ...values];
    const layers = read(
      [router(3), router(5)],
      outputs(twice(LOGITS), twice(SELECTED), twice(WEIGHTS))
    );
    expect(layers.map(({ layer }) => layer)).toEqual([3, 5]);
    for (const { logits, selected, weights } of layers) {
      expect([...selected]).toEqual(SELECTED);
      expect([...weights]).toEqual([...Float32Array.from(WEIGHTS)]);
      expect([...logits]).toEqual([...Float32Array.from(LOGITS)]);
    }
  });

  it('concatenates picks of separate tensors', () => {
    const split = router(0, {
      selected: ['first', 'second'],
      weights: ['w1', 'w2']
    });
    const [layer] = read(
      [split],
      outputs(LOGITS, [2, 0, 1, 1], [0.6, 2 / 3, 0.4, 1 / 3])
    );
    expect([...layer.selected]).toEqual([2, 1, 0, 1]);
    expect([...layer.weights]).toEqual([...Float32Array.from(WEIGHTS)]);
  });

  it('gathers the weights of the selected experts from dense weights', () => {
    const dense = router(0, { weights: null, denseWeights: 'dense' });
    const [layer] = read(
      [dense],
      outputs(LOGITS, SELECTED, [0, 0.4, 0.6, 2 / 3, 1 / 3, 0])
    );
    expect([...layer.weights]).toEqual([...Float32Array.from(WEIGHTS)]);
  });

  it('computes what the graph does not expose', () => {
    const fused = router(0, { selected: null, weights: null });
    const { plan } = captureGraph(graph, [fused]);
    expect(plan.outputs).toEqual([CAPTURE_OUTPUTS.logits]);
    const [layer] = readCapture([fused], plan, outputs(), () => 2);
    expect([...layer.selected]).toEqual(SELECTED);
    layer.weights.forEach((weight, slot) =>
      expect(weight).toBeCloseTo(WEIGHTS[slot], 6)
    );
  });

  it('accepts ties in any order, as (expert, weight) pairs', () => {
    const [layer] = read(
      [router(0)],
      outputs([0, 0, 0, 0, 0, 0], [2, 0, 1, 2], [0.5, 0.5, 0.5, 0.5])
    );
    expect([...layer.selected]).toEqual([2, 0, 1, 2]);
  });

  it('has no experts for tokens whose logits are NaN, which have no order', () => {
    const [layer] = read(
      [router(0)],
      outputs(
        [NaN, NaN, NaN, ...LOGITS.slice(3)],
        [0, 1, 0, 1],
        [NaN, NaN, 2 / 3, 1 / 3]
      )
    );
    expect([...layer.selected]).toEqual([-1, -1, 0, 1]);
    expect([...layer.weights.subarray(0, 2)]).toEqual([0, 0]);
    expect([...layer.logits.subarray(0, 3)]).toEqual([NaN, NaN, NaN]);
  });

  it.each([
    ['renormalised weights that are not', { renormalized: false }, outputs()],
    [
      'weights that are not renormalised',
      {},
      outputs(LOGITS, SELECTED, [0.5, 1 / 3, 0.5, 0.25])
    ],
    ['a scale', { scale: 2 }, outputs()],
    ['a sigmoid', { score: 'sigmoid' as const }, outputs()],
    ['a selection bias', { selectionBias: [5, 0, 0] }, outputs()],
    [
      'groups',
      { groups: { count: 3, selected: 1, score: 'max' as const } },
      outputs()
    ]
  ])(
    'names the layer when its convention was misread: %s',
    (_, convention, run) => {
      expect(() => read([router(7, {}, convention)], run)).toThrow(
        expect.objectContaining({
          code: 'capture',
          where: expect.stringContaining('layer 7') as string
        })
      );
    }
  );

  it('names the layer when all weights are 0, though single tokens may be dropped', () => {
    const routers = [router(4)];
    const { plan } = captureGraph(graph, routers);
    const times = <T>(list: T[]): T[] => [...list, ...list, ...list];
    const read = (weights: number[]) =>
      readCapture(
        routers,
        plan,
        outputs(times(LOGITS), times(SELECTED), weights),
        () => 6
      );
    expect(() => read(Array<number>(12).fill(0))).toThrow(/layer 4/);
    expect(read([...WEIGHTS, ...Array<number>(8).fill(0)])).toHaveLength(1);
  });

  it('names the layer when an expert does not exist', () => {
    expect(() => read([router(7)], outputs(LOGITS, [2, 3, 0, 1]))).toThrow(
      /does not exist \(layer 7/
    );
  });

  it.each([
    ['fewer tokens', outputs(LOGITS.slice(0, 3), [2, 1], [0.6, 0.4])],
    [
      'no output of a kind',
      { [CAPTURE_OUTPUTS.logits]: outputs()[CAPTURE_OUTPUTS.logits] }
    ],
    ['one slot too many', outputs(LOGITS, [...SELECTED, 0])]
  ])('reports captured and expected sizes: %s', (_, run) => {
    expect(() => read([router(0)], run)).toThrow(
      expect.objectContaining({
        code: 'capture',
        message: expect.stringMatching(
          /were captured where \d+ were expected/
        ) as string
      })
    );
  });
});
