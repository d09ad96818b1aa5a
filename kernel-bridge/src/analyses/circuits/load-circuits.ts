/** What finds circuits, loaded when somebody asks: programs that trace only never pay for it. */
import { createRequire } from 'node:module';
import type * as PatchCells from '../patching/patch-cells';
import type * as FindCircuit from './find-circuit';

const load = createRequire(__filename);

export const findCircuit: typeof FindCircuit.findCircuit = (...args) =>
  (load('./find-circuit') as typeof FindCircuit).findCircuit(...args);

export const patchModel: typeof PatchCells.patchModel = (...args) =>
  (load('../patching/patch-cells') as typeof PatchCells).patchModel(...args);
