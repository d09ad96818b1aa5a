import { ModelTools } from '../../src/api/model-tools';
import { ExpertLoads, type ExpertLoadsOptions } from './expert-loads';

export class MoreTools extends ModelTools {
  /** How many tokens of a prompt each expert takes. */
  loads(options: ExpertLoadsOptions = {}): ExpertLoads {
    return new ExpertLoads(this._usable(), options);
  }
}
