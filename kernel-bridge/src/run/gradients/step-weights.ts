import { GRADIENT_PREFIX } from './tape';

/** float32 [batch, 1, 1]: what each entry counts in the sum over the batch. */
export const STEP_WEIGHTS = `${GRADIENT_PREFIX}step_weights`;
