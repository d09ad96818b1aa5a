import {
  analyze,
  type Analysis,
  type AnalyzedLayer
} from '../../analyses/behaviour';
import { traceFileEvidence } from '../../analyses/findings';
import { printableLine } from '../../base/printable';
import { counted, integrityNote, layerName } from '../../base/protocol';
import { TABLE_METRICS } from '../../measures';
import { write, writeJson } from './output';

export async function printAnalysis(
  path: string,
  { json }: { json?: boolean }
): Promise<void> {
  const { evidence, model } = await traceFileEvidence(path);
  const analysis = analyze(evidence, { model });
  await (json ? writeJson(analysis) : write(`${format(analysis)}\n`));
}

function format({
  model,
  integrity,
  tokens,
  samples,
  layers
}: Analysis): string {
  const note = integrityNote(integrity);
  return [
    `${printableLine(model ?? 'unknown model')}: ${counted(tokens, 'token')} in ${counted(samples, 'text')}, ${counted(layers.length, 'MoE layer')}`,
    ...(note === undefined ? [] : [note]),
    ...layers.flatMap(layer => ['', ...formatLayer(layer)])
  ].join('\n');
}

const SHOWN = 3;

function formatLayer(layer: AnalyzedLayer): string[] {
  const number = (value: number | null): string =>
    value === null ? '-' : value.toFixed(3);
  const percent = (share: number): string => `${(100 * share).toFixed(0)} %`;
  const roles = new Map<string, string[]>();
  for (const { expert, role, class: name, ...about } of layer.roles) {
    const [key, text] =
      name === undefined
        ? [role, `${expert}`]
        : [
            `${role} "${printableLine(name)}"`,
            `${expert} (${about.degree}, lift ${about.lift!.toFixed(1)}, takes ${percent(about.classTokenRate!)} of it)`
          ];
    roles.set(key, [...(roles.get(key) ?? []), text]);
  }
  const { contextStability: stability } = layer;
  const metrics = TABLE_METRICS.map(
    ({ name, short }) => `${short} ${number(layer[name])}`
  );
  return [
    `${layerName(layer)}: top-${layer.topK} of ${layer.experts}, ${metrics.join(', ')}`,
    ...[...roles].map(([role, experts]) => `  ${role}: ${experts.join(', ')}`),
    `  together: ${layer.coactivation.strongest
      .slice(0, SHOWN)
      .map(
        pair =>
          `${pair.partner} of ${pair.expert}'s ${percent(pair.conditional)}`
      )
      .join(', ')}`,
    ...(stability.sameId !== null
      ? [
          `  two occurrences of a token share ${number(stability.sameId)} of their experts, any two tokens ${number(stability.anyTwo)}`
        ]
      : []),
    ...(layer.pipelines && layer.pipelines.steps.length > 0
      ? [
          `  from layer ${layer.pipelines.fromLayer}: ${layer.pipelines.steps
            .slice(0, SHOWN)
            .map(
              step =>
                `${step.from} > ${step.to} (r ${step.correlation.toFixed(2)})`
            )
            .join(', ')}`
        ]
      : [])
  ];
}
