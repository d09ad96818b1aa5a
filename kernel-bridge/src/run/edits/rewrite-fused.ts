/** Decomposes fused MoE and QMoE operators to plain ones, so that edits reach inside. */
import { isFused } from '../../routing/experts/fused-experts';
import { decomposeFused, type ExpertChoice } from '../../onnx/graph/decompose';
import { cannotDecompose } from '../../onnx/graph/decompose/decomposition';
import { Graph, type GraphNode } from '../../onnx/graph/graph';
import { findBlocks } from '../../routing/blocks';
import type { Router } from '../../routing/convention';
import type { FoundRouters } from '../../routing/find-routers';
import type { EditableModel } from './editable-graph';

/** True when a router's experts and weights are inside a fused operator. */
export function isFusedRouter({ tensors }: Router): boolean {
  return tensors.selected === null;
}

/**
 * The same model with the fused operators of its experts decomposed to plain ones: equal up to rounding, and slower.
 * @throws MoEDebuggerError 'model-unsupported' naming a node whose form cannot be decomposed
 */
export function rewriteFused(model: EditableModel): EditableModel {
  const { branched, graph, found } = model;
  const whole = rewrite(graph, found);
  return {
    ...model,
    ...whole,
    ...(branched
      ? {
          branched: {
            ...branched,
            branches: branched.branches.map(branch => ({
              ...branch,
              ...rewrite(branch.graph, branch.found)
            }))
          }
        }
      : {})
  };
}

function rewrite(
  graph: Graph,
  found: FoundRouters
): { graph: Graph; found: FoundRouters } {
  const { graph: proto, choices } = decomposeFused(graph, isFused);
  const plain = new Graph(proto, graph.file, graph.around);
  return {
    graph: plain,
    found: {
      ...found,
      blocks: findBlocks(plain),
      routers: found.routers.map(router => {
        const before = router.selectors.map(({ index }) => graph.nodes[index]);
        const choice = choices.get(before[0].outputs[0]);
        const { renormalized, scoreBeforeTopK } = router.convention;
        if (choice && before.length > 1 && scoreBeforeTopK && !renormalized) {
          throw cannotDecompose(
            graph,
            before[0],
            'its output is multiplied by the sum of its scores, and so are the weights'
          );
        }
        const selectors = choice
          ? [
              selectorOf(plain, choice),
              ...before
                .slice(1)
                .map(({ outputs }) => plain.producer(outputs[0])!)
            ]
          : before.map(({ outputs }) => plain.producer(outputs[0])!);
        return {
          ...router,
          selectors: selectors.map(({ index, name, op }) => ({
            index,
            name,
            op
          })),
          tensors: choice
            ? {
                ...router.tensors,
                selected: [choice.selected],
                weights: [choice.weights]
              }
            : router.tensors
        };
      })
    }
  };
}

/** The TopK that a selection comes from. */
function selectorOf(plain: Graph, { selected }: ExpertChoice): GraphNode {
  let node = plain.producer(selected)!;
  for (let step = 0; node.op !== 'TopK' && step < MAX_STEPS; step++) {
    node = node.inputs
      .flatMap(input => plain.producer(input) ?? [])
      .find(above => above.op !== 'Constant')!;
  }
  return node;
}

/** Maximum number of nodes between a TopK and its experts. */
const MAX_STEPS = 8;
