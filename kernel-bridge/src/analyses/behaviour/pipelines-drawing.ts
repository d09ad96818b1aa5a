/** Expert pipelines as a drawing: experts by layer, arrows between those that follow each other. */
import type { DrawnGraph } from '../../base/charts';
import { layerName, type ExpertPlace } from '../../base/protocol';
import type { PipelinesData } from './pipelines-document';

/** Drawings with more arrows are illegible. */
const MAX_STEPS = 60;

export function drawPipelines(
  { steps, pipelines, routers }: PipelinesData,
  title: string
): DrawnGraph {
  const shown = steps.slice(0, MAX_STEPS);
  const roles = new Map(
    pipelines.flatMap(({ stages }) =>
      stages.map(stage => [keyOf(stage), stage] as const)
    )
  );
  const names = new Map<string, string[]>();
  for (const { experts, name } of pipelines) {
    for (const place of name === undefined ? [] : experts) {
      names.set(keyOf(place), [...(names.get(keyOf(place)) ?? []), name!]);
    }
  }
  const places = new Map<string, ExpertPlace>(
    shown.flatMap(({ from, to }) =>
      [from, to].map(place => [keyOf(place), place] as const)
    )
  );
  const groups = routers.filter(router =>
    [...places.values()].some(place => layerName(place) === router)
  );
  // In the order of layers, as rows are drawn.
  const nodes = [...places].sort(
    ([, a], [, b]) =>
      groups.indexOf(layerName(a)) - groups.indexOf(layerName(b)) ||
      a.expert - b.expert
  );
  const index = new Map(nodes.map(([key], i) => [key, i]));
  return {
    name: 'pipelines',
    title: [
      title,
      ...(steps.length > shown.length
        ? [`${steps.length - shown.length} weaker steps left out`]
        : [])
    ].join('; '),
    edgesShow: 'labels',
    groups,
    nodes: nodes.map(([key, place]) => {
      const role = roles.get(key);
      const group = groups.indexOf(layerName(place));
      return {
        lines: [
          `expert ${place.expert}`,
          ...(role?.class === undefined ? [] : [role.class])
        ],
        details: [
          ...(role === undefined ? [] : [role.role]),
          ...new Set(names.get(key) ?? []).values()
        ],
        rank: group,
        group,
        strong: names.has(key)
      };
    }),
    edges: shown.map(({ from, to, lift }) => ({
      from: index.get(keyOf(from))!,
      to: index.get(keyOf(to))!,
      label: `lift ${lift.toFixed(1)}`,
      dashed: false
    }))
  };
}

function keyOf(place: ExpertPlace): string {
  return `${layerName(place)}:${place.expert}`;
}
