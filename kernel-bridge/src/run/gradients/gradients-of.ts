/** Gradients of what is run, created at first use: one set of sessions per graph, which all its inputs share. */
import { remembered } from '../../base/remembered';
import type { Graph } from '../../onnx/graph/graph';
import type { Runnable } from '../model/runnable';
import { ModelGradients, type Gradients } from './model-gradients';

const known = remembered<Graph, ModelGradients>();

export function gradientsOf(run: Runnable): Gradients {
  const { graph, inputs } = run;
  return known(graph, '', () => {
    const { onnx, branched, settings, probeInputs = inputs } = run;
    const made = new ModelGradients({
      onnx,
      graph,
      ...(branched?.promptFirst ? { merged: branched.node } : {}),
      inputs: probeInputs,
      settings
    });
    run.onDispose(() => made.release());
    return made;
  }).fedBy(inputs);
}
