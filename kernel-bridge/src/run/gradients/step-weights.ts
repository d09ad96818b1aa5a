import { GRADIENT_PREFIX } from './tape';

/** Input, float32 [batch, 1, 1]: the weight of each batch entry in the sum over the batch. */
export const STEP_WEIGHTS = `${GRADIENT_PREFIX}step_weights`;
