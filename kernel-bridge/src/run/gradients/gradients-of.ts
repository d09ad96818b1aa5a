/** The gradients of a loaded model: its graph is differentiated at the first request. */
import { ofModel } from '../model/of-model';
import { ModelGradients } from './model-gradients';

export const gradientsOf = ofModel(
  ({ onnx, graph, branched, inputs, settings }) =>
    new ModelGradients({
      onnx,
      graph,
      ...(branched?.promptFirst ? { merged: branched.node } : {}),
      inputs,
      settings
    })
);
