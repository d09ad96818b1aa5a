/**
 * The tokens that single neurons of an expert promote: each column of its down projection through the final norm and the
 * unembedding (Geva et al. 2022, arXiv 2203.14680). From weights only, which do not show whether a neuron ever fires, or
 * with which sign.
 */
import { streamPoints, streamWidth } from '../../run/activations/stream-points';
import { checkExpert } from '../../run/edits/resolve-edits';
import { MoEDebuggerError } from '../../base/errors';
import { findExperts } from '../../routing/experts';
import { ExpertWeights } from '../../routing/experts/expert-weights';
import { findBlocks } from '../../routing/blocks';
import type { LoadedModel } from '../../run/model/loaded-model';
import { dimsOf } from '../../onnx/file/tensor';
import { findPlace, layerName, type RouterPlace } from '../../base/protocol';
import { project } from './project';
import { checkTop } from './ranking';

export interface NeuronOptions extends RouterPlace {
  expert: number;
  /** Length of each list. Default 10. */
  top?: number;
  signal?: AbortSignal;
}

/** A token, and the neuron that changes its logit most, relative to the mean of that neuron's logits. */
export interface NeuronToken {
  id: number;
  text?: string;
  neuron: number;
  logit: number;
}

export interface NeuronVocabulary extends RouterPlace {
  expert: number;
  by: 'weights';
  neurons: number;
  raised: NeuronToken[];
  lowered: NeuronToken[];
}

/**
 * @throws MoEDebuggerError 'input' for a layer or an expert that does not exist; 'model-unsupported' if the experts'
 * weights cannot be identified; 'cancelled'
 */
export async function neuronVocabulary(
  model: LoadedModel,
  { expert, top = 10, signal, ...place }: NeuronOptions
): Promise<NeuronVocabulary> {
  checkTop(top);
  const router = findPlace(place, model.routers, 'input');
  checkExpert(expert, model.routers[router], '', 'input');
  const { directions, width } = downProjection(model, router, expert);
  const extremes = new Extremes();
  await project(
    model,
    directions,
    width,
    (logits, neuron) => extremes.add(logits, neuron),
    signal
  );
  const named = (list: Omit<NeuronToken, 'text'>[]): NeuronToken[] =>
    list.slice(0, top).map(own => {
      const text = model.tokenizer?.piece(own.id);
      return text === undefined ? own : { ...own, text };
    });
  return {
    ...place,
    expert,
    by: 'weights',
    neurons: directions.length / width,
    raised: named(extremes.sorted('raised')),
    lowered: named(extremes.sorted('lowered'))
  };
}

/** [neurons, width]: what a unit activation of each neuron adds to the stream. */
function downProjection(
  { graph, routers, onnx }: LoadedModel,
  index: number,
  number: number
): { directions: Float32Array; width: number } {
  const router = routers[index];
  const where = `${layerName(router)}, expert ${number}`;
  const refused = (why: string): MoEDebuggerError =>
    new MoEDebuggerError('model-unsupported', why, {
      where,
      hint: 'give prompts, to compute its vocabulary from activations'
    });
  const blocks = findBlocks(graph);
  const width = streamWidth(graph, streamPoints(blocks), routers);
  const expert = findExperts(graph, router, blocks)?.[number];
  const down = expert?.weights.filter(({ role }) => role === 'down');
  if (!expert || !down || down.length !== 1 || width === undefined) {
    throw refused('its down projection was not found in the graph');
  }
  const reader = new ExpertWeights(graph, onnx.weightsFolder);
  try {
    const [values] = reader.read({ ...expert, weights: down }, router.experts);
    const stored = graph.weightOf(down[0].tensor);
    const rows = stored ? dimsOf(stored.tensor).at(-2) : undefined;
    const neurons = values.length / width;
    if (!Number.isInteger(neurons) || neurons === width) {
      throw refused(
        neurons === width
          ? 'its down projection is square, so its orientation is ambiguous'
          : 'its down projection is not as wide as the residual stream'
      );
    }
    return {
      width,
      directions: rows === width ? transposed(values, width, neurons) : values
    };
  } finally {
    reader.close();
  }
}

/** Transposes [rows, columns]. */
function transposed(
  values: Float32Array,
  rows: number,
  columns: number
): Float32Array {
  const result = new Float32Array(values.length);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      result[column * rows + row] = values[row * columns + column];
    }
  }
  return result;
}

/** Tracks the neurons that raise and lower each token most. */
class Extremes {
  private _raised?: { logit: Float32Array; neuron: Int32Array };
  private _lowered?: { logit: Float32Array; neuron: Int32Array };

  add(logits: Float32Array, neuron: number): void {
    const mean = logits.reduce((sum, value) => sum + value, 0) / logits.length;
    const empty = (
      fill: number
    ): { logit: Float32Array; neuron: Int32Array } => ({
      logit: new Float32Array(logits.length).fill(fill),
      neuron: new Int32Array(logits.length)
    });
    const raised = (this._raised ??= empty(-Infinity));
    const lowered = (this._lowered ??= empty(Infinity));
    logits.forEach((value, id) => {
      const logit = value - mean;
      if (logit > raised.logit[id]) {
        raised.logit[id] = logit;
        raised.neuron[id] = neuron;
      }
      if (logit < lowered.logit[id]) {
        lowered.logit[id] = logit;
        lowered.neuron[id] = neuron;
      }
    });
  }

  sorted(which: 'raised' | 'lowered'): Omit<NeuronToken, 'text'>[] {
    const { logit, neuron } = (
      which === 'raised' ? this._raised : this._lowered
    )!;
    const sign = which === 'raised' ? 1 : -1;
    return [...logit.keys()]
      .sort((a, b) => sign * (logit[b] - logit[a]) || a - b)
      .map(id => ({ id, neuron: neuron[id], logit: logit[id] }));
  }
}
