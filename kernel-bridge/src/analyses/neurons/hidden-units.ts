/** Finds the hidden units of an expert: the activations that its down projection reads. */
import { MoEDebuggerError } from '../../base/errors';
import { findPlace, layerName, type RouterPlace } from '../../base/protocol';
import type { Graph, GraphNode } from '../../onnx/graph/graph';
import { walk } from '../../onnx/graph/walk';
import { findBlocks } from '../../routing/blocks';
import type { Router } from '../../routing/convention';
import { findExperts } from '../../routing/experts';
import { streamPoints, streamWidth } from '../../run/activations/stream-points';
import { checkExpert } from '../../run/edits/resolve-edits';
import { isFusedRouter } from '../../run/edits/rewrite-fused';
import type { Runnable } from '../../run/model/runnable';

/** Which rows of the activations are an expert's. */
export type HiddenRows =
  /** All: the tensor is this expert's alone. */
  | { kind: 'own' }
  /** Those of its index on axis 0. */
  | { kind: 'stacked' }
  /** Those where this tensor of expert numbers, one a row, has its number. */
  | { kind: 'gathered'; ids: string };

export interface HiddenUnits {
  router: Router;
  expert: number;
  /** Number of hidden units. */
  neurons: number;
  /** Activations: [..., neurons], or with `gathered` rows any layout of [rows, neurons]. */
  tensor: string;
  /** Output of the down projection, which reads them. */
  product: string;
  rows: HiddenRows;
  /**
   * Whether the activations are computed from all tokens without the router, so that no choice can have moved a row.
   * Otherwise rows may be those of a buffer that the router fills.
   */
  rowsAreTokens: boolean;
}

const PRODUCTS = new Set(['MatMul', 'Gemm', 'Einsum']);
/** Between a weight that is looked up by expert and its product. */
const LAYOUT = new Set([
  'Transpose',
  'Cast',
  'Unsqueeze',
  'Squeeze',
  'Reshape',
  'Identity'
]);
const MAX_STEPS = 8;

/**
 * @throws MoEDebuggerError 'input' for a router or an expert that does not exist, 'model-unsupported' where the graph does
 * not show the hidden units
 */
export function hiddenUnits(
  { graph, routers }: Pick<Runnable, 'graph' | 'routers'>,
  { expert, ...place }: RouterPlace & { expert: number }
): HiddenUnits {
  const router = routers[findPlace(place, routers, 'input')];
  checkExpert(expert, router, '', 'input');
  const refused = (why: string, hint: string): MoEDebuggerError =>
    new MoEDebuggerError('model-unsupported', why, {
      where: `${layerName(router)}, expert ${expert}`,
      hint
    });
  if (isFusedRouter(router)) {
    throw refused(
      `its hidden units are inside a fused ${router.selectors[0].op} node`,
      'export the model without fused experts, or scale the whole expert: with({ scale: [...] })'
    );
  }
  const hidden = refused(
    'its hidden units were not found in the graph',
    'scale the whole expert instead: with({ scale: [...] })'
  );
  const blocks = findBlocks(graph);
  const own = findExperts(graph, router, blocks)?.[expert];
  const down = own?.weights.filter(({ role }) => role === 'down') ?? [];
  const width = streamWidth(graph, streamPoints(blocks), routers);
  if (!own || down.length !== 1 || width === undefined) {
    throw hidden;
  }
  for (const index of own.nodes) {
    const node = graph.nodes[index];
    const weight = node.inputs.find(
      input =>
        input !== '' && graph.weightOf(input)?.tensor.name === down[0].tensor
    );
    const found =
      weight === undefined
        ? undefined
        : readBy(graph, node, weight, down[0].slice !== undefined, router);
    const dims =
      weight === undefined ? undefined : graph.weightOf(weight)?.dims;
    const neurons = dims && neuronsOf(dims.slice(-2), width);
    if (found && neurons !== undefined) {
      const upstream = walk(graph, [found.tensor], { direction: 'upstream' });
      const rowsAreTokens = ![...upstream].some(
        ({ tensor }) => tensor === router.tensors.logits
      );
      return { router, expert, neurons, rowsAreTokens, ...found };
    }
  }
  throw hidden;
}

/** The other of two dims than the width of the stream. */
function neuronsOf(
  [rows, columns]: readonly number[],
  width: number
): number | undefined {
  return columns === width ? rows : rows === width ? columns : undefined;
}

function readBy(
  graph: Graph,
  node: GraphNode,
  weight: string,
  stacked: boolean,
  { experts }: Router
): Pick<HiddenUnits, 'tensor' | 'product' | 'rows'> | undefined {
  if (PRODUCTS.has(node.op)) {
    const tensor = node.inputs.find(
      (input, i) => i < 2 && input !== weight && input !== ''
    );
    const shape = tensor === undefined ? undefined : graph.shape(tensor);
    return tensor === undefined || (stacked && shape && shape[0] !== experts)
      ? undefined
      : {
          tensor,
          product: node.outputs[0],
          rows: { kind: stacked ? 'stacked' : 'own' }
        };
  }
  if (node.op !== 'Gather' && node.op !== 'GatherND') {
    return undefined;
  }
  const seen = new Set([node.outputs[0]]);
  for (const { tensor } of walk(graph, [node.outputs[0]], {
    direction: 'downstream',
    maxTensors: MAX_STEPS,
    through: ({ op, outputs }) => (LAYOUT.has(op) ? outputs : [])
  })) {
    seen.add(tensor);
    const product = graph
      .consumers(tensor)
      .find(({ op }) => op === 'MatMul' || op === 'Einsum');
    const other = product?.inputs.find(input => !seen.has(input));
    if (product && other !== undefined) {
      return {
        tensor: other,
        product: product.outputs[0],
        rows: { kind: 'gathered', ids: node.inputs[1] }
      };
    }
  }
  return undefined;
}
