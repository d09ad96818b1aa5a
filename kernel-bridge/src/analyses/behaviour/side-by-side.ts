/** Compares statistics of several models, with layers matched by relative depth. */
import { LAYER_METRIC_NAMES, type OfLayer } from '../../measures';
import type { Analysis, AnalyzedLayer } from './analyze';
import type { Role } from '../findings/roles';

export interface ModelAtDepth extends OfLayer<number | null> {
  model: string;
  layer: number;
  stack?: 'encoder' | 'decoder';
  experts: number;
  topK: number;
  /** Repetition divided by its value under chance, 1 / E: comparable between numbers of experts. */
  repetitionOverChance: number | null;
  vocabularySpecialisation: number | null;
  /** Share of the layer's experts in each role. */
  roles: Partial<Record<Role, number>>;
}

export interface SideBySide {
  /** From 0, the first MoE layer, to 1, the last. */
  depth: number;
  models: ModelAtDepth[];
}

/**
 * One row per MoE layer of the deepest model; each holds every model's layer nearest to that depth. Models without MoE
 * layers are left out.
 */
export function sideBySide(analyses: readonly Analysis[]): SideBySide[] {
  const shown = analyses.filter(({ layers }) => layers.length > 0);
  const rows = Math.max(0, ...shown.map(({ layers }) => layers.length));
  return Array.from({ length: rows }, (_, row) => {
    const depth = rows === 1 ? 0 : row / (rows - 1);
    return {
      depth,
      models: shown.map(({ model, layers }) =>
        figures(
          model ?? 'unknown model',
          layers[Math.round(depth * (layers.length - 1))]
        )
      )
    };
  });
}

function figures(model: string, layer: AnalyzedLayer): ModelAtDepth {
  const roles: ModelAtDepth['roles'] = {};
  for (const { role } of layer.roles) {
    roles[role] = (roles[role] ?? 0) + 1 / layer.experts;
  }
  const { firstChoiceRepetition: repetition } = layer;
  const metrics = Object.fromEntries(
    LAYER_METRIC_NAMES.map(name => [name, layer[name]])
  ) as OfLayer<number | null>;
  return {
    model,
    layer: layer.layer,
    ...(layer.stack ? { stack: layer.stack } : {}),
    experts: layer.experts,
    topK: layer.topK,
    ...metrics,
    repetitionOverChance:
      repetition === null ? null : repetition * layer.experts,
    vocabularySpecialisation: layer.vocabularySpecialisation,
    roles
  };
}
