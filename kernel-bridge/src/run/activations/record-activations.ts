/** Runs a prompt and records its activations. */
import { cancellable } from '../engine/cancel';
import { toFloat32 } from '../engine/tensor-values';
import type { RunOutputs } from '../engine/engine';
import type { EditedRun } from '../edits/edited-session';
import { MoEDebuggerError } from '../../base/errors';
import { wholeSequence } from '../model/inputs';
import type { LoadedModel } from '../model/loaded-model';
import type { TokenizedPrompt } from '../model/prompt';
import { layerName, type RoutingLayer, type Stack } from '../../base/protocol';
import { readCapture } from '../capture/read-capture';

/** Which activations to record; others are not copied. */
export interface ActivationChoice {
  residual?: boolean;
  /** Indices, in graph order, of routers whose input to record. */
  inputs?: readonly number[];
  /** Indices of routers whose layer's output to record. */
  outputs?: readonly number[];
  logits?: boolean;
}

export interface Activations {
  /** The residual stream after each block, [tokens, width]. */
  residual: { layer: number; stack?: Stack; values: Float32Array }[];
  /** Inputs by router index, [tokens, width]. */
  inputs: Map<number, Float32Array>;
  /** What the layer adds to the stream by router index, [tokens, width]. */
  outputs: Map<number, Float32Array>;
  routing: RoutingLayer[];
  /** [tokens, vocabulary] */
  logits?: Float32Array;
}

/**
 * @throws MoEDebuggerError 'model-unsupported' naming a layer whose activations the graph does not expose; 'cancelled'
 */
export async function recordActivations(
  { inputs, logits }: Pick<LoadedModel, 'inputs' | 'logits'>,
  { session, routers, plan, activations, edits }: EditedRun,
  prompt: TokenizedPrompt,
  choice: ActivationChoice,
  signal?: AbortSignal
): Promise<Activations> {
  const step = wholeSequence(prompt);
  const named = (
    kind: 'input' | 'output',
    chosen: readonly number[] = []
  ): [number, string][] =>
    chosen.map(router => {
      const name = activations.routers[router][kind];
      if (name === undefined) {
        throw new MoEDebuggerError(
          'model-unsupported',
          `the graph does not expose the ${kind} of the experts`,
          {
            where: layerName(routers[router]),
            hint: 'routing, edits and the residual stream are available'
          }
        );
      }
      return [router, name];
    });
  const read = named('input', choice.inputs);
  const added = named('output', choice.outputs);
  const residual = choice.residual ? activations.residual : [];
  const { outputs } = await cancellable(
    session.run({ ...inputs.feeds(step), ...edits.feeds(step) }, [
      ...plan.outputs,
      ...residual.map(({ output }) => output),
      ...read.map(([, name]) => name),
      ...added.map(([, name]) => name),
      ...(choice.logits ? [logits] : [])
    ]),
    signal
  );
  const values = (name: string): Float32Array => toFloat32(outputs[name]);
  const tokens = ({ stack }: { stack?: Stack }): number =>
    (stack === 'decoder' ? prompt.decoderIds! : prompt.ids).length;
  return {
    residual: residual.map(({ output, ...place }) => ({
      ...place,
      values: values(output)
    })),
    inputs: new Map(read.map(([router, name]) => [router, values(name)])),
    outputs: new Map(added.map(([router, name]) => [router, values(name)])),
    routing: readCapture(
      routers,
      plan,
      outputs as RunOutputs,
      tokens,
      edits.adjustments(step)
    ),
    ...(choice.logits ? { logits: values(logits) } : {})
  };
}
