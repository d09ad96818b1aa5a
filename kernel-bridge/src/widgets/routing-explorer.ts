/** The routing of prompts as a widget: a layer slider over heatmaps, in step with the cell that made it. */
import { viewBundle } from '../display/view-bundle';
import { MIMEBUNDLE, type Displayable, type JsonObject } from '../kernel/api';
import type { Measure, RoutingSample, ViewName } from '../protocol';

export interface ExplorerOptions {
  /** MoE layer shown first, as an index into the captured layers. */
  layerIndex?: number;
  measure?: Measure;
}

export class RoutingExplorer implements Displayable {
  constructor(
    private readonly _options: ExplorerOptions & {
      view: ViewName;
      model: string;
      samples: readonly RoutingSample[];
    }
  ) {}

  [MIMEBUNDLE](): Promise<JsonObject> {
    const { view, model, samples, layerIndex = 0, measure = 'weight' } = this._options;
    return viewBundle({ view, model, samples, state: { layerIndex, measure } }, `RoutingExplorer of ${model}`);
  }
}
