/** Logits that are no numbers select nothing, and a trace says so: after an edit that overflows, and in a damaged model. */
import { ELEMENT } from '../../onnx/file/schema';
import type { GraphBuilder } from '../../../test/graph-builder';
import { tinyMoE, type RouterWriter } from '../../../test/tiny-moe';
import { diagnose, loadModel, type MoEModel, type RoutingTrace } from '../..';

const IDS = [3, 14, 15, 9, 26, 5];
const models: MoEModel[] = [];
afterAll(() => Promise.all(models.map(model => model.dispose())));

async function load(b: GraphBuilder): Promise<MoEModel> {
  const model = await loadModel(b.save());
  models.push(model);
  return model;
}

/** Of a layer: tokens whose logits are NaN, and those without an expert. */
function tokens(trace: RoutingTrace, layer: number) {
  const { logits, selected, weights, experts, topK } =
    trace.samples[0].layers[layer];
  const where = (
    of: ArrayLike<number>,
    width: number,
    is: (n: number) => boolean
  ) =>
    IDS.map((_, t) => t).filter(t =>
      Array.from({ length: width }, (_, i) => of[t * width + i]).some(is)
    );
  return {
    nan: where(logits, experts, Number.isNaN),
    none: where(selected, topK, expert => expert < 0),
    weightless: where(weights, topK, weight => weight === 0)
  };
}

describe('a scale that overflows', () => {
  let trace: RoutingTrace;
  let before: RoutingTrace;
  beforeAll(async () => {
    // Without norms, what the first layer adds reaches the second router as it is.
    const model = await load(tinyMoE({ norms: false }));
    before = await model.trace(IDS);
    const [expert] = before.samples[0].layers[0].selected;
    trace = await model
      .with({ scale: [{ layer: 0, expert, factor: 3e38 }] })
      .trace(IDS);
  });

  it('leaves tokens without an expert where the next router has no numbers', () => {
    const { nan, none, weightless } = tokens(trace, 1);
    expect(nan.length).toBeGreaterThan(0);
    expect(none).toEqual(nan);
    expect(weightless).toEqual(nan);
    // The layer that was edited selects as before.
    expect(trace.samples[0].layers[0].selected).toEqual(
      before.samples[0].layers[0].selected
    );
  });

  it('is said by the trace', () => {
    const { nan } = tokens(trace, 1);
    expect(String(trace).split('\n').slice(1)).toEqual([
      `layer 1: the logits of ${nan.length} tokens are NaN or infinite; no expert is selected there`
    ]);
    expect(String(before)).not.toContain('\n');
  });

  it('is found by diagnose, which counts no expert for them', () => {
    expect(
      diagnose(trace).findings.filter(({ kind }) => kind === 'non-finite')
    ).toEqual([expect.objectContaining({ layer: 1 })]);
  });
});

it('holds for a router in half precision whose scores overflow', async () => {
  const half: RouterWriter = (b, x, { experts, hidden, topK }) => {
    const logits = b.op(
      'Cast',
      [
        b.op('Mul', [
          b.op('MatMul', [x, b.weight([hidden, experts], 2)]),
          b.floats([6e4], [])
        ])
      ],
      { to: ELEMENT.float16 }
    );
    const [values, selected] = b.many(
      'TopK',
      [b.op('Softmax', [logits], { axis: -1 }), b.ints([topK])],
      2
    );
    return {
      selected,
      weights: b.op('Cast', [values], { to: ELEMENT.float })
    };
  };
  const model = await load(tinyMoE({ layers: 1, router: half }));
  const { samples } = await model.trace(IDS);
  const [{ logits, selected }] = samples[0].layers;
  const infinite = IDS.map((_, t) => t).filter(t =>
    logits.subarray(8 * t, 8 * t + 8).includes(Infinity)
  );
  expect(infinite.length).toBeGreaterThan(0);
  infinite.forEach(t =>
    expect([...selected.subarray(2 * t, 2 * t + 2)]).toEqual([-1, -1])
  );
});
