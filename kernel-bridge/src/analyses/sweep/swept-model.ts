/** What a sweep needs of a model. */
import type { ModelParts } from '../../run/model/loaded-model';

export type SweptModel = Pick<
  ModelParts,
  | 'onnx'
  | 'graph'
  | 'inputs'
  | 'tokenizer'
  | 'tokenize'
  | 'logits'
  | 'session'
  | 'routers'
  | 'plan'
  | 'edited'
  | 'growing'
>;
