import type { TensorType } from '../engine/messages';

export interface ModelInput {
  name: string;
  /** Undefined for a type without tensors in onnxruntime-node. */
  type: TensorType | undefined;
  /** Undefined dims are symbolic. */
  dims: (number | undefined)[];
  /** Names of the symbolic dims. */
  dimNames: (string | undefined)[];
}
