/** An analysis as tables: the layers, and their experts with their roles. */
import { printableLine } from '../../base/printable';
import { counted, layerName } from '../../base/protocol';
import type { ResultTable } from '../../show/result-table';
import type { OfExpert } from '../../measures';
import type { DiagnosedLayer } from '../findings/diagnosis';
import { layersTable } from '../findings/diagnosis-tables';
import type { ExpertRole } from '../findings/roles';

interface Analyzed {
  model?: string;
  tokens: number;
  samples: number;
  layers: readonly (DiagnosedLayer &
    OfExpert<(number | null)[]> & { roles: readonly ExpertRole[] })[];
}

export function analysisTables({
  model,
  tokens,
  samples,
  layers
}: Analyzed): ResultTable[] {
  return [
    layersTable(
      layers,
      `${model ? `${printableLine(model)}: ` : ''}${counted(tokens, 'token')} in ${counted(samples, 'text')}`
    ),
    {
      title: 'experts',
      columns: [
        'layer',
        'expert',
        'role',
        'class',
        'lift',
        'token rate',
        'slot share',
        'mean weight'
      ],
      rows: layers.flatMap(layer =>
        layer.roles.map(({ expert, role, class: name, lift }) => [
          layerName(layer),
          expert,
          role,
          name ?? null,
          lift ?? null,
          layer.tokenRate[expert],
          layer.slotShare[expert],
          layer.meanWeight[expert]
        ])
      )
    }
  ];
}
