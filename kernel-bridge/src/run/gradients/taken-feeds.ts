/** Leaves out feeds that a graph does not take: onnxruntime refuses them. */
import type { TensorValue } from '../engine/messages';
import type { GraphProto } from '../../onnx/file/schema';

export function takenFeeds(
  { input }: Pick<GraphProto, 'input'>,
  feeds: Record<string, TensorValue>
): Record<string, TensorValue> {
  const taken = new Set(input.map(({ name }) => name));
  return Object.fromEntries(
    Object.entries(feeds).filter(([name]) => taken.has(name))
  );
}
