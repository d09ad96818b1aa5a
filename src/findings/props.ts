import type { TranslationBundle } from '@jupyterlab/translation';
import type { Finding } from 'moe-debugger/protocol';
import type { FindingsModel } from './model';

/** What the list and its evidence share. */
export interface IFindingsProps {
  model: FindingsModel;
  trans: TranslationBundle;
  /** Shows the layer of a finding, where something else can. */
  showLayer?: (finding: Finding) => void;
}
