import type { TranslationBundle } from '@jupyterlab/translation';
import type { CircuitModel } from './model';

/** What the parts of the view share. */
export interface ICircuitProps {
  model: CircuitModel;
  trans: TranslationBundle;
}
