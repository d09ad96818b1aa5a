/** Gradients of a loaded model, created at first use. */
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
