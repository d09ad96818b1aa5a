/** Notes on each router the experts that its graph has no path for. */
import { layerName } from '../../base/protocol';
import type { Graph } from '../../onnx/graph/graph';
import type { Router } from '../../routing/convention';
import type { FoundRouters } from '../../routing/find-routers';
import { lostExperts } from '../../routing/experts/reached-experts';
import { configCount, configExperts, type ModelConfig } from './config';

/** @param graphs with the same routers: one, or the branches of a merged decoder, where an expert can be lost in either */
export function noteLostExperts(
  graphs: readonly { graph: Graph; found: FoundRouters }[],
  config: ModelConfig
): void {
  const lostIn = graphs.map(({ graph, found }) =>
    lostExperts(graph, found.routers)
  );
  graphs[0].found.routers.forEach(({ experts }, i) => {
    const lost = new Set(lostIn.flatMap(own => own[i]));
    zeroExperts(config, experts).forEach(expert => lost.delete(expert));
    if (lost.size > 0) {
      graphs.forEach(({ found }) => {
        found.routers[i].lost = [...lost].sort((a, b) => a - b);
      });
    }
  });
}

/** Experts that compute nothing by design and come after the others (LongCat): the graph needs no path for them. */
function zeroExperts({ model }: ModelConfig, experts: number): number[] {
  const zeros = configCount(model, 'zero_expert_num') ?? 0;
  const routed = configExperts(model);
  return routed !== undefined && routed + zeros === experts
    ? Array.from({ length: zeros }, (_, i) => routed + i)
    : [];
}

/** "layer 0: the graph has no path for experts 1, 2, 4: tokens that select them get nothing from them". */
export function lostWarnings(routers: readonly Router[]): string[] {
  return routers.flatMap(router =>
    router.lost ? [`${layerName(router)}: ${lostText(router.lost)}`] : []
  );
}

export function lostText(lost: readonly number[]): string {
  const one = lost.length === 1;
  return `the graph has no path for ${one ? 'expert' : 'experts'} ${lost.join(', ')}: tokens that select ${one ? 'it' : 'one'} get nothing from it; an export that traced one run keeps only the experts of that run`;
}
