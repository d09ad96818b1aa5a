/** Which prompts run side by side. */
import type { Graph } from '../../onnx/graph/graph';
import type { ModelInputs } from '../model/inputs';
import type { TokenizedPrompt } from '../model/prompt';
import type { Router } from '../../routing/convention';
import type { DecodableModel } from './decoder';

/** Why the rows of a batch, equally long, would change one another; undefined where nothing in the graph says so. */
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
 * Why a model's prompts must run one by one; undefined when they can run side by side: a batch is taken only where it
 * cannot change a single token's routing.
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
    // Measured: what a batch saves for each run, padding and finished rows cost again.
    return 'without a cache they are no faster side by side';
  }
  if (graph.root.shape(logits)?.[1] === 1) {
    return 'the graph takes one sequence at a time';
  }
  // The rows of a cache end at different lengths, which a mask must tell the graph, and positions count on.
  if (!inputs.has('attention_mask') || !inputs.has('position_ids')) {
    return 'the graph does not take the position of each token of a batch';
  }
  if (
    graph.nodes.some(({ op }) => op === 'com.microsoft.GroupQueryAttention')
  ) {
    return "the model's attention operator takes no padding";
  }
  return undefined;
}

/** What a reader of a generation should know of how its routing was captured. */
export function captureNotes({ routers, inputs }: DecodableModel): string[] {
  return inputs.cache.length === 0 && hasCapacity(routers)
    ? [
        "the capacity of the model's experts is shared by all tokens of a run: each token's routing is that of the run in which it was new"
      ]
    : [];
}

/** Experts that take a limited number of tokens, and drop the rest. */
function hasCapacity(routers: readonly Router[]): boolean {
  return routers.some(
    ({ convention, tensors }) =>
      convention.capacity !== undefined || tensors.kept !== undefined
  );
}

/** Indices of prompts in batches of similar length, so that little is padded. */
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
