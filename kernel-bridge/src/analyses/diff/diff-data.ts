/** What a routing diff holds, apart from how it looks. */
import type { RoutingSample } from '../../base/protocol';
import type { EditRecord } from '../../run/edits/edits';
import type { Alignment } from './align-tokens';
import type { Both, LayerDiff, NearMissThresholds } from './layer-diff';
import type { LayerSummary } from './layer-summary';
import type { OutputChange } from './output-change';

export interface DiffData {
  readonly runs: Both<{ model: string; edits: readonly EditRecord[] }>;
  readonly samples: readonly SampleDiff[];
  /** Over all prompts, one entry a router. */
  readonly layers: readonly LayerSummary[];
  /** Prompts, by their ids, and routers, by their names, that only one of the runs has. */
  readonly alone: Both<{ samples: string[]; layers: string[] }>;
  readonly nearMiss: NearMissThresholds;
}

export interface SampleDiff {
  /** In the first run. */
  id: string;
  samples: Both<RoutingSample>;
  /** Of encoder-decoder models those of the decoder. */
  alignment: Alignment;
  encoderAlignment?: Alignment;
  /** Routers that both runs have, in the order of the first. */
  layers: LayerDiff[];
  /** Empty where the logits of the output were not kept. */
  output: OutputChange[];
}
