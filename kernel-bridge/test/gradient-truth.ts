/** Gradients that PyTorch computed of the first prompt, and the models that they are true for. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SessionOptions } from '../src/run/engine/messages';
import { ModelGradients } from '../src/run/gradients/model-gradients';
import { Graph } from '../src/onnx/graph/graph';
import { readConfig } from '../src/run/model/config';
import { ModelInputs } from '../src/run/model/inputs';
import { readModel } from '../src/onnx/file/model';
import { largestDifference } from './edit-truth';
import { readSafetensors } from './safetensors';
import { readTruth, zooModels } from './zoo';

export interface GradientTruth {
  name: string;
  ids: number[];
  logit: { position: number; index: number; value: number };
  router: { layer: number; position: number; expert: number; value: number };
  /** [tokens, width]: the gradient of the logit by the embeddings. */
  gradient: Float32Array;
  /** [tokens, width]: integrated gradients from zero embeddings in 64 steps. */
  integrated: {
    target: 'logit' | 'router';
    rule: 'gauss-legendre' | 'midpoint';
    values: Float32Array;
    /** Sum of all attributions less (value - value at the baseline). */
    gap: number;
  }[];
}

interface Recorded {
  fx: number;
  delta_gausslegendre: number;
  delta_riemann_middle: number;
}

interface DeepJson {
  ig: {
    logit_target: { token: number; vocab: number };
    router_target: { layer: number; token: number; expert: number };
    logit: Recorded;
    router: Recorded;
  };
}

/** undefined where no gradients were recorded. */
export function readGradientTruth(folder: string): GradientTruth | undefined {
  const tensors = readSafetensors(join(folder, 'truth.safetensors'));
  const gradient = tensors.get('grad/logit');
  if (!gradient) {
    return undefined;
  }
  const { ig } = (
    JSON.parse(readFileSync(join(folder, 'truth.json'), 'utf8')) as {
      deep: DeepJson;
    }
  ).deep;
  const truth = readTruth(folder);
  return {
    name: truth.name,
    ids: truth.prompts[0].ids,
    logit: {
      position: ig.logit_target.token,
      index: ig.logit_target.vocab,
      value: ig.logit.fx
    },
    router: {
      layer: ig.router_target.layer,
      position: ig.router_target.token,
      expert: ig.router_target.expert,
      value: ig.router.fx
    },
    gradient: gradient.data as Float32Array,
    integrated: (['logit', 'router'] as const).flatMap(target => [
      {
        target,
        rule: 'gauss-legendre' as const,
        values: tensors.get(`ig/${target}/gausslegendre`)!.data as Float32Array,
        gap: ig[target].delta_gausslegendre
      },
      {
        target,
        rule: 'midpoint' as const,
        values: tensors.get(`ig/${target}/riemann_middle`)!
          .data as Float32Array,
        gap: ig[target].delta_riemann_middle
      }
    ])
  };
}

/** The truth of a model, or of one with the same weights in another form. */
export function gradientTruthFor(folder: string): GradientTruth | undefined {
  const own = readGradientTruth(folder);
  if (own) {
    return own;
  }
  const { prompts } = readTruth(folder);
  for (const other of zooModels()) {
    const truth = readGradientTruth(other);
    if (truth && truth.ids.join() === prompts[0].ids.join()) {
      const [first] = readTruth(other).prompts;
      if (largestDifference(first.logits, prompts[0].logits) < 1e-5) {
        return truth;
      }
    }
  }
  return undefined;
}

export function gradientsOf(
  folder: string,
  settings: SessionOptions = {}
): ModelGradients {
  const onnx = readModel(folder);
  const graph = new Graph(onnx.proto.graph, onnx.file);
  return new ModelGradients({
    onnx,
    graph,
    inputs: new ModelInputs(graph, readConfig(onnx.folder)),
    settings
  });
}

/** Largest difference relative to the largest entry of the truth. */
export function relativeError(
  ours: ArrayLike<number>,
  truth: Float32Array
): number {
  const scale = truth.reduce((max, x) => Math.max(max, Math.abs(x)), 0);
  return largestDifference(ours, truth) / scale;
}
