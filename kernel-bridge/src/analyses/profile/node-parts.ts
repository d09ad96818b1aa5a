/** To which layer and part of a model each node of its graph belongs. */
import type { ProfiledPart } from '../../base/protocol';
import type { Graph, GraphNode } from '../../onnx/graph/graph';
import type { NodeProto } from '../../onnx/file/schema';
import { contentUpTo, streamStarts } from '../../routing/block-branches';
import { findExperts } from '../../routing/experts';
import type { ModelStructure } from '../../run/model/structure';

export interface NodePlace {
  place: string;
  part: ProfiledPart;
}

/**
 * By the name of the node. Those of subgraphs are not in it.
 * @param names of the nodes in the profile
 */
export function nodePlaces(
  structure: ModelStructure,
  names: ReadonlyMap<NodeProto, string>
): Map<string, NodePlace> {
  const { graph, found } = structure;
  const places = new Map<number, NodePlace>();
  const put = (nodes: Iterable<number>, place: NodePlace): void => {
    for (const node of nodes) {
      if (!places.has(node)) {
        places.set(node, place);
      }
    }
  };
  const upstream = (tensors: readonly string[]): Set<number> =>
    contentUpTo(graph, found.blocks, tensors).nodes;
  const stored = storedNodes(graph);
  const readers = (node: GraphNode): GraphNode[] =>
    node.outputs.flatMap(output => graph.consumers(output));
  put(upstream(streamStarts(found.blocks)), {
    place: 'embeddings',
    part: 'other'
  });
  for (const { node, layer, stack, branch, mixes } of found.blocks.joins) {
    const place = [stack, `layer ${layer}`].filter(Boolean).join(' ');
    const nodes = upstream([branch]);
    const routers = found.routers.filter(
      router =>
        router.layer === layer &&
        router.stack === stack &&
        router.selectors.some(({ index }) => nodes.has(index))
    );
    for (const router of routers) {
      const experts = findExperts(graph, router, found.blocks) ?? [];
      const computing = new Set(experts.flatMap(expert => expert.nodes));
      put(computing, { place, part: 'experts' });
      // What turns stored integers into weights serves the experts that read them.
      put(
        [...nodes].filter(
          index =>
            stored.has(index) &&
            readers(graph.nodes[index]).some(own => computing.has(own.index))
        ),
        { place, part: 'experts' }
      );
      const { logits, selected, weights, denseWeights } = router.tensors;
      put(
        upstream([
          logits,
          ...(selected ?? []),
          ...(weights ?? []),
          ...(denseWeights ? [denseWeights] : [])
        ]),
        { place, part: 'router' }
      );
    }
    put(nodes, {
      place,
      part: routers.length > 0 ? 'dispatch' : mixes ? 'attention' : 'mlp'
    });
    put([node.index], { place, part: 'other' });
  }
  put(upstream(graph.outputs), { place: 'unembedding', part: 'other' });
  return new Map(
    graph.nodes.flatMap(({ proto, index }) => {
      const place = places.get(index);
      const name = names.get(proto);
      return name !== undefined && place ? [[name, place] as const] : [];
    })
  );
}

/** The place of a node of a profile: a fusion's name begins with the name of a node that it replaced. */
export function placeOf(
  places: ReadonlyMap<string, NodePlace>,
  name: string
): NodePlace | undefined {
  let own = name;
  for (;;) {
    const place = places.get(own);
    const end = own.lastIndexOf('/');
    if (place || end <= 0) {
      return place;
    }
    own = own.slice(0, end);
  }
}

/** Nodes that compute from stored tensors alone. */
function storedNodes(graph: Graph): Set<number> {
  const stored = new Set<number>();
  for (const { index, inputs } of graph.nodes) {
    const isStored = inputs.every(input => {
      const maker = graph.producer(input);
      return (
        input === '' ||
        graph.isConstant(input) ||
        (maker !== undefined && stored.has(maker.index))
      );
    });
    if (isStored && inputs.length > 0) {
      stored.add(index);
    }
  }
  return stored;
}
