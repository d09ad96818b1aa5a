/**
 * What a fused operator adds, against the weights of its convention. The operator is run alone, on made-up tokens: once
 * as the graph leads logits to it, and once with each chosen expert alone, which any rule gives a weight of 1.
 */
import { randomNumbers } from '../../base/statistics/random';
import { elementTypes } from '../../onnx/graph/element-types';
import type { TensorValue } from '../engine/messages';
import { toFloat32 } from '../engine/tensor-values';
import type { LoadedModel } from '../model/loaded-model';
import { lastDim } from '../../routing/router-input';
import { route } from '../../routing/route';
import type { Router } from '../../routing/convention';
import { streamPoints, streamWidth } from '../activations/stream-points';
import { givenBy, givenTensors, readFrom } from './given-tensors';

const HIDDEN = 0;
const ROUTER = 1;
const ROUTER_WEIGHTS = 14;
const TOKENS = 6;
/** Logits as wide apart as those of trained routers. */
const SPREAD = 4;
/** So far below 0 that nothing is left of its exponential, in half precision too. */
const NONE = -3e4;

/**
 * @returns the largest difference, as a share of the largest value; undefined where the operator cannot be run alone
 */
export async function fusedDifference(
  model: LoadedModel,
  router: Router
): Promise<number | undefined> {
  const { graph, found } = model;
  const { experts, topK, tensors } = router;
  const node = graph.nodes[router.selectors[0].index];
  const hidden = node.inputs[HIDDEN];
  const width =
    lastDim(graph, hidden) ??
    streamWidth(graph, streamPoints(found.blocks), found.routers);
  if (width === undefined || tensors.logitsAre !== 'logits') {
    return undefined;
  }
  const types = elementTypes(graph);
  const ways = [
    ...new Set([ROUTER, ROUTER_WEIGHTS].flatMap(at => node.inputs[at] || []))
  ];
  const random = randomNumbers(1);
  const noise = (size: number, spread: number): Float32Array =>
    Float32Array.from({ length: size }, () => (random() * 2 - 1) * spread);
  const logits = noise(TOKENS * experts, SPREAD);
  const states = noise(TOKENS * width, 1);
  const routed = { [tensors.logits]: rows(logits, experts) };
  const led = await run(model, types, routed, ways);
  const [output] = node.outputs;
  const after = tensors.added ?? output;
  const added =
    led &&
    (await run(
      model,
      types,
      // Factors after the operator may be computed from scores of the logits.
      { [hidden]: rows(states, width), ...routed, ...led },
      [after]
    ));
  if (!added) {
    return undefined;
  }
  const { selected, weights } = route(logits, experts, topK, router.convention);
  const alone = (rest: number, own: number): Float32Array =>
    Float32Array.from({ length: selected.length * experts }, (_, i) =>
      i % experts === selected[Math.floor(i / experts)] ? own : rest
    );
  const one = await run(
    model,
    types,
    {
      [hidden]: rows(
        Float32Array.from(
          { length: selected.length * width },
          (_, i) => states[Math.floor(i / width / topK) * width + (i % width)]
        ),
        width
      ),
      ...Object.fromEntries(
        ways.map(way => [
          way,
          rows(
            way === node.inputs[ROUTER_WEIGHTS] ? alone(0, 1) : alone(NONE, 0),
            experts
          )
        ])
      )
    },
    [output]
  );
  const each = toFloat32(one![output]);
  const sum = toFloat32(added[after]);
  let largest = 0;
  let difference = 0;
  sum.forEach((value, i) => {
    const token = Math.floor(i / width);
    let expected = 0;
    for (let slot = token * topK; slot < (token + 1) * topK; slot++) {
      expected += weights[slot] * each[slot * width + (i % width)];
    }
    largest = Math.max(largest, Math.abs(value));
    difference = Math.max(difference, Math.abs(value - expected));
  });
  return largest > 0 ? difference / largest : undefined;
}

/** Undefined where the outputs need more of the model than what is given. */
async function run(
  model: LoadedModel,
  types: ReadonlyMap<string, number>,
  given: Readonly<Record<string, TensorValue>>,
  outputs: readonly string[]
): Promise<Record<string, TensorValue> | undefined> {
  const known = outputs.filter(name => name in given);
  const computed = outputs.filter(name => !(name in given));
  const result = Object.fromEntries(known.map(name => [name, given[name]]));
  if (computed.length === 0) {
    return result;
  }
  const part = givenTensors(model.graph, types, Object.keys(given), computed);
  const wanted = new Set(part?.input.map(({ name }) => name));
  const feeds = Object.fromEntries(
    Object.entries(given)
      .map(([name, value]) => [givenBy(name), value] as const)
      .filter(([name]) => wanted.has(name))
  );
  if (!part || wanted.size > Object.keys(feeds).length) {
    return undefined;
  }
  const loaded = await model.load(part);
  try {
    const run = await loaded.session.run(feeds, computed.map(readFrom));
    computed.forEach(name => (result[name] = run.outputs[readFrom(name)]));
    return result;
  } finally {
    await loaded.release();
  }
}

function rows(data: Float32Array, width: number): TensorValue {
  return { type: 'float32', dims: [data.length / width, width], data };
}
