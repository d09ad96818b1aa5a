/** What attributes, loaded when somebody asks: programs that trace only never pay for it. */
import { createRequire } from 'node:module';
import type * as Attribute from './attribute';
import type * as TargetChoices from './target-choices';

const load = createRequire(__filename);

export const attribute: typeof Attribute.attribute = (parts, prompt, options) =>
  (load('./attribute') as typeof Attribute).attribute(parts, prompt, options);

export const targetChoices: typeof TargetChoices.targetChoices = (...given) =>
  (load('./target-choices') as typeof TargetChoices).targetChoices(...given);
