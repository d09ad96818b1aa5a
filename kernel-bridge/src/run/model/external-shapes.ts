/** Constants that hold a k, axes or a shape, and that an export has moved out of the model file with its weights. */
import { ELEMENT } from '../../onnx/file/schema';
import { elementCount, isExternal } from '../../onnx/file/tensor';
import type { Graph } from '../../onnx/graph/graph';

/** A shape, axes, a k: whole numbers, as few as the axes of a tensor. */
const MAX_NUMBERS = 16;

export const HOW_TO_EXPORT =
  'export it with a size threshold for external data, so that small constants stay in the model file (onnx.save_model(model, path, save_as_external_data=True, size_threshold=1024))';

/** Says which constants of shapes are external; undefined when none is. */
export function externalShapes(graph: Graph): string | undefined {
  const names = graph.proto.initializer
    .filter(
      tensor =>
        isExternal(tensor) &&
        (tensor.dataType === ELEMENT.int64 ||
          tensor.dataType === ELEMENT.int32) &&
        elementCount(tensor) <= MAX_NUMBERS
    )
    .map(({ name }) => name ?? '');
  return names.length === 0
    ? undefined
    : `${names.length} ${names.length === 1 ? 'constant' : 'constants'} of shapes and axes (${names.slice(0, 3).join(', ')}${names.length > 3 ? ', ...' : ''}) are external data, so neither the routers nor onnxruntime can read them`;
}
