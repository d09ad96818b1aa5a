/** Decides which prompts run side by side. */
import type { Graph } from '../../onnx/graph/graph';
import type { ModelInputs } from '../model/inputs';
import type { TokenizedPrompt } from '../model/prompt';
import type { Router } from '../../routing/convention';
import type { DecodableModel } from './decoder';

/** Why rows of equal length in a batch would affect one another; undefined if nothing in the graph suggests it. */
export function mixesRows(
  {
    routers,
    inputs
  }: {
    routers: readonly Router[];
    inputs: Pick<ModelInputs, 'encoderDecoder' | 'batched'>;
  },
  graph: Graph
): string | undefined {
  if (hasCapacity(routers)) {
    return "the capacity of the model's experts is shared by all tokens of a batch";
  }
  if (inputs.encoderDecoder) {
    return 'the model has an encoder';
  }
  if (!inputs.batched) {
    return 'the graph takes one sequence at a time';
  }
  if (graph.nodes.some(({ op }) => op === 'DynamicQuantizeLinear')) {
    return 'the model quantises activations by the range that they have in a batch';
  }
  return undefined;
}

/**
 * Why a model's prompts must run one by one; undefined if they can run side by side. Batches are used only if they cannot
 * change any token's routing.
 */
export function oneByOne(
  { routers, inputs, logits }: DecodableModel,
  graph: Graph
): string | undefined {
  const mixed = mixesRows({ routers, inputs }, graph);
  if (mixed !== undefined) {
    return mixed;
  }
  if (inputs.cache.length === 0) {
    // Measured: padding and finished rows cost what a batch saves.
    return 'without a cache they are no faster side by side';
  }
  if (graph.root.shape(logits)?.[1] === 1) {
    return 'the graph takes one sequence at a time';
  }
  // Rows of a cache end at different lengths, so the graph needs a mask and positions.
  if (!inputs.has('attention_mask') || !inputs.has('position_ids')) {
    return 'the graph has no inputs for the positions of tokens in a batch';
  }
  if (
    graph.nodes.some(({ op }) => op === 'com.microsoft.GroupQueryAttention')
  ) {
    return "the model's attention operator does not support padding";
  }
  return undefined;
}

/** Notes about how the routing of a generation was captured. */
export function captureNotes({ routers, inputs }: DecodableModel): string[] {
  return inputs.cache.length === 0 && hasCapacity(routers)
    ? [
        "the capacity of the model's experts is shared by all tokens of a run: each token's routing is that of the run in which it was new"
      ]
    : [];
}

/** Whether experts have a capacity, and drop tokens beyond it. */
function hasCapacity(routers: readonly Router[]): boolean {
  return routers.some(
    ({ convention, tensors }) =>
      convention.capacity !== undefined || tensors.kept !== undefined
  );
}

/** Indices of prompts in batches of similar length, to reduce padding. */
export function batchesOf(
  prompts: readonly TokenizedPrompt[],
  size: number
): number[][] {
  const order = [...prompts.keys()].sort(
    (a, b) => prompts[a].ids.length - prompts[b].ids.length || a - b
  );
  const batches: number[][] = [];
  for (let start = 0; start < order.length; start += size) {
    batches.push(order.slice(start, start + size));
  }
  return batches;
}
