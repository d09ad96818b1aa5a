/** A routing diff as data. */
import type { RoutingSample } from '../../base/protocol';
import type { EditRecord } from '../../run/edits/edits';
import type { Alignment } from './align-tokens';
import type { NearMissThresholds } from '../margins/near-miss';
import type { Both, LayerDiff } from './layer-diff';
import type { LayerSummary } from './layer-summary';
import type { OutputChange } from './output-change';

export interface DiffData {
  readonly runs: Both<{ model: string; edits: readonly EditRecord[] }>;
  readonly samples: readonly SampleDiff[];
  /** Over all prompts, one entry per router. */
  readonly layers: readonly LayerSummary[];
  /** Ids of prompts and names of routers that only one run has. */
  readonly alone: Both<{ samples: string[]; layers: string[] }>;
  readonly nearMiss: NearMissThresholds;
}

export interface SampleDiff {
  /** Id in the first run. */
  id: string;
  samples: Both<RoutingSample>;
  /** In encoder-decoder models, of the decoder's tokens. */
  alignment: Alignment;
  encoderAlignment?: Alignment;
  /** Routers that both runs have, in the order of the first. */
  layers: LayerDiff[];
  /** Empty if the logits of the output were not kept. */
  output: OutputChange[];
}
