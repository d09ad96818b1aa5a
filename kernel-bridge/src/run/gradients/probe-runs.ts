/** Feeds of probe runs, from which the shapes of a model's tensors are learned. */
import type { TensorValue } from '../engine/messages';
import type { ModelInputs, Step } from '../model/inputs';
import type { InterpolatedGraph } from './embeddings';

export interface ProbeRuns {
  probes: { batch: number; tokens: number }[];
  feeds: Record<string, TensorValue>[];
}

/** Distinct sizes, none of them a product of others, so that each axis can be attributed to one. */
const PROBES = [
  { batch: 2, tokens: 7 },
  { batch: 3, tokens: 11 }
];

/** Probe runs of different sizes, as far as the model accepts them. */
export function probeRuns(
  inputs: ModelInputs,
  { scale, baseline }: Pick<InterpolatedGraph, 'scale' | 'baseline'>
): ProbeRuns {
  const { encoderDecoder, batched } = inputs;
  const read = encoderDecoder ? 'decoder_input_ids' : 'input_ids';
  const probes = PROBES.map(({ batch, tokens }) => ({
    batch: batched ? batch : 1,
    tokens: inputs.lengthOf(read) ?? tokens
  }));
  const feeds = probes.map(({ batch, tokens }, i) => ({
    ...inputs.feeds(
      probeStep(
        batch,
        tokens,
        encoderDecoder
          ? (inputs.lengthOf('input_ids') ?? PROBES[i].tokens)
          : undefined
      )
    ),
    [scale]: floats([batch, 1, 1], 1),
    [baseline]: floats([1, 1, 1], 0)
  }));
  return { probes, feeds };
}

/** @param encoderTokens undefined for a model without an encoder */
function probeStep(
  batch: number,
  tokens: number,
  encoderTokens?: number
): Step {
  const rows = <T>(row: T[]): T[][] => Array.from({ length: batch }, () => row);
  const places = Array.from({ length: tokens }, (_, i) => i);
  // Ids that any vocabulary has.
  const ids = (length: number): number[][] =>
    rows(Array.from({ length }, (_, i) => i % 4));
  return {
    ids: ids(tokens),
    positions: rows(places),
    mask: rows(places.map(() => 1)),
    cached: 0,
    ...(encoderTokens === undefined ? {} : { encoderIds: ids(encoderTokens) })
  };
}

function floats(dims: number[], value: number): TensorValue {
  const size = dims.reduce((product, n) => product * n, 1);
  return { type: 'float32', dims, data: new Float32Array(size).fill(value) };
}
