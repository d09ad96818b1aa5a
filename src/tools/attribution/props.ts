import type { TranslationBundle } from '@jupyterlab/translation';
import type { AttributionModel } from './model';

/** What the parts of the view share. */
export interface IAttributionProps {
  model: AttributionModel;
  trans: TranslationBundle;
}
