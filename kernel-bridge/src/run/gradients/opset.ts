/** The opset that gradients are written for. */
import { MoEDebuggerError } from '../../base/errors';
import type { OnnxModel } from '../../onnx/file/model';
import type { ModelProto } from '../../onnx/file/schema';

/**
 * The gradients are written for opset 17 or later. Opsets 14 to 17 only added to 13 (onnx/docs/Changelog.md), so a
 * graph of these may be declared as 17.
 */
export function gradientOpset({ opset, file }: OnnxModel): number {
  if (opset < MIN_OPSET) {
    throw new MoEDebuggerError(
      'model-unsupported',
      `the graph is of opset ${opset}, and gradients need ${MIN_OPSET} or later`,
      { where: file, hint: 'export the model with a newer opset' }
    );
  }
  return Math.max(opset, WRITTEN_FOR);
}

const MIN_OPSET = 13;
const WRITTEN_FOR = 17;

export function withOpset(proto: ModelProto, version: number): ModelProto {
  return {
    ...proto,
    opsetImport: proto.opsetImport.map(entry =>
      !entry.domain || entry.domain === 'ai.onnx'
        ? { ...entry, version }
        : entry
    )
  };
}
