/** Forms of routers from common exporters and hand-written models, besides those of find-routers.spec. */
import { saveModel, type GraphBuilder } from '../../test/graph-builder';
import {
  tinyMoE,
  type Routing,
  type RouterWriter,
  type Sizes
} from '../../test/tiny-moe';
import { findExperts } from './experts';
import { Graph } from '../onnx/graph/graph';
import { loadModel } from '../api/load-model';
import { inspectModel } from '../run/model/structure';
import { findRouters } from './find-routers';

type Write = (
  b: GraphBuilder,
  logits: string,
  size: Sizes
) => Routing & { dense?: boolean };

const LAST = { axis: -1 };
const softmax = (b: GraphBuilder, x: string): string =>
  b.op('Softmax', [x], LAST);
const topK = (b: GraphBuilder, x: string, k: number): string[] =>
  b.many('TopK', [x, b.ints([k])], 2, LAST);
const first = (b: GraphBuilder, x: string, k: number): string =>
  b.op('Slice', [x, b.ints([0]), b.ints([k]), b.ints([-1])]);
const least = (b: GraphBuilder, values: string): string =>
  b.op('Slice', [values, b.ints([-1]), b.ints([1 << 30]), b.ints([-1])]);
const router =
  (write: Write): RouterWriter =>
  (b, x, size) =>
    write(
      b,
      b.op('MatMul', [x, b.weight([size.hidden, size.experts], 2)]),
      size
    );

const known: {
  name: string;
  write: Write;
  pattern: string;
  experts?: number;
}[] = [
  {
    name: 'top-(k+1), sliced to k (noisy top-k gate)',
    write: (b, logits, { topK: k }) => {
      const [values, indices] = topK(b, logits, k + 1);
      return {
        selected: first(b, indices, k),
        weights: softmax(b, first(b, values, k))
      };
    },
    pattern: 'top-k > softmax'
  },
  {
    name: 'a full sort, sliced',
    write: (b, logits, { topK: k, experts }) => {
      const [values, indices] = topK(b, softmax(b, logits), experts);
      return { selected: first(b, indices, k), weights: first(b, values, k) };
    },
    pattern: 'softmax > top-k'
  },
  {
    name: 'chosen by logits, weighted by the softmax over all experts',
    write: (b, logits, { topK: k }) => {
      const [, selected] = topK(b, logits, k);
      const weights = b.op(
        'GatherElements',
        [softmax(b, logits), selected],
        LAST
      );
      return { selected, weights };
    },
    pattern: 'softmax > top-k'
  },
  {
    name: 'logarithms of probabilities',
    write: (b, logits, { topK: k }) => {
      const [values, selected] = topK(b, b.op('LogSoftmax', [logits], LAST), k);
      return { selected, weights: b.op('Exp', [values]) };
    },
    pattern: 'softmax > top-k'
  },
  {
    name: 'two ArgMax, the first choice overwritten, then renormalised',
    write: (b, logits) => {
      const scores = softmax(b, logits);
      const one = b.op('ArgMax', [scores], { axis: -1, keepdims: 1 });
      const taken = b.op('Sub', [
        b.op('GatherElements', [scores, one], LAST),
        b.floats([9], [])
      ]);
      const left = b.op('ScatterElements', [scores, one, taken], LAST);
      const two = b.op('ArgMax', [left], { axis: -1, keepdims: 1 });
      const gates = [one, two].map(choice =>
        b.op('GatherElements', [scores, choice], LAST)
      );
      const both = b.op('Concat', gates, LAST);
      return {
        selected: b.op('Concat', [one, two], LAST),
        weights: b.op('Div', [
          both,
          b.over('ReduceSum', both, [-1], { keepdims: 1 })
        ])
      };
    },
    pattern: 'softmax > arg-max 2 times > renormalise'
  },
  {
    name: 'the largest logit, weighted by its sigmoid',
    write: (b, logits) => {
      const selected = b.op('ArgMax', [logits], { axis: -1, keepdims: 1 });
      const scores = b.op('Sigmoid', [logits]);
      return {
        selected,
        weights: b.op('GatherElements', [scores, selected], LAST)
      };
    },
    pattern: 'sigmoid > arg-max'
  },
  {
    name: 'logits masked below the k-th, then softmax over all experts',
    write: (b, logits, { topK: k }) => {
      const [values, selected] = topK(b, logits, k);
      const below = b.op('Less', [logits, least(b, values)]);
      const all = softmax(
        b,
        b.op('Where', [below, b.floats([-Infinity], []), logits])
      );
      return {
        selected,
        weights: b.op('GatherElements', [all, selected], LAST)
      };
    },
    pattern: 'top-k > softmax'
  }
];

describe.each(known)('$name', ({ write, pattern }) => {
  const build = () => tinyMoE({ router: router(write), layers: 2 }).build();

  it('is recognised by its structure', () => {
    const { routers, unknown } = findRouters(new Graph(build().graph));
    expect(routers.map(found => [found.layer, found.pattern])).toEqual([
      [0, pattern],
      [1, pattern]
    ]);
    expect(unknown).toEqual([]);
  });

  it('is captured with weights that agree with its logits', async () => {
    const model = await loadModel(saveModel(build()));
    const trace = await model.trace([4, 8, 15, 16, 23, 42]);
    expect(trace.coverage).toMatchObject({ moeLayers: 2, layersCaptured: 2 });
    await model.dispose();
  });
});

const unrecognised: { name: string; write: Write }[] = [
  {
    name: 'scores that are neither softmax nor sigmoid',
    write: (b, logits, { topK: k }) => {
      const [weights, selected] = topK(b, b.op('Relu', [logits]), k);
      return { selected, weights };
    }
  },
  {
    name: 'the root of a softplus',
    write: (b, logits, { topK: k }) => {
      const scores = b.op('Sqrt', [b.op('Softplus', [logits])]);
      const [weights, selected] = topK(b, scores, k);
      return { selected, weights };
    }
  }
];

describe.each(unrecognised)('$name', ({ write }) => {
  it('is reported with its node and not guessed', async () => {
    const folder = saveModel(
      tinyMoE({ router: router(write), layers: 2 }).build()
    );
    // Neither dense nor read.
    expect(inspectModel(folder).layers.map(({ moe }) => moe)).toEqual([
      null,
      null
    ]);
    expect(inspectModel(folder).warnings).toEqual([
      expect.stringContaining('TopK'),
      expect.stringContaining('TopK')
    ]);
    await expect(loadModel(folder)).rejects.toMatchObject({
      code: 'not-a-moe',
      message: expect.stringContaining('TopK') as string
    });
  });
});

describe('findExperts', () => {
  it("finds each expert's slice of weights that hold all experts", () => {
    const graph = new Graph(tinyMoE({ experts: 5, layers: 2 }).build().graph);
    for (const found of findRouters(graph).routers) {
      const experts = findExperts(graph, found)!;
      expect(experts.map(({ expert }) => expert)).toEqual([0, 1, 2, 3, 4]);
      for (const { expert, weights } of experts) {
        expect(weights).toEqual([
          {
            tensor: expect.any(String) as string,
            role: 'up',
            slice: expert,
            quantized: false
          },
          {
            tensor: expect.any(String) as string,
            role: 'down',
            slice: expert,
            quantized: false
          }
        ]);
      }
    }
  });
});
