import type { TensorType } from '../engine/messages';

export interface ModelInput {
  name: string;
  /** Undefined for a type that onnxruntime-node has no tensors of. */
  type: TensorType | undefined;
  /** Undefined dims are symbolic. */
  dims: (number | undefined)[];
  /** Names of the symbolic dims. */
  dimNames: (string | undefined)[];
}
