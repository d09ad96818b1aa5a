/** Activation functions of experts, as onnxruntime's MoE operators define them. */
import { attributeFloat, attributeInt, attributeText } from '../attributes';
import type { GraphNode } from '../graph';
import { numberLike, type DecompositionContext } from './decomposition';

export type Activation = 'relu' | 'gelu' | 'silu' | 'swiglu' | 'identity';

/** The activation that a node's attributes name; undefined for an unknown name. */
export function activationOf({ proto }: GraphNode): Activation | undefined {
  const name = attributeText(proto, 'activation_type') ?? 'relu';
  return ['relu', 'gelu', 'silu', 'swiglu', 'identity'].find(
    (known): known is Activation => known === name
  );
}

export function applyActivation(
  context: DecompositionContext,
  activation: Exclude<Activation, 'swiglu'>,
  x: string,
  like: string
): string {
  const { writer } = context;
  const number = (value: number): string => numberLike(context, value, like);
  const times = (a: string, b: string): string => writer.op('Mul', [a, b]);
  switch (activation) {
    case 'relu':
      return writer.op('Relu', [x]);
    case 'silu':
      return times(x, writer.op('Sigmoid', [x]));
    case 'gelu': {
      // x (1 + tanh(sqrt(2/pi) (x + 0.044715 x³))) / 2: these operators have the tanh approximation only.
      const cube = times(times(x, x), x);
      const inner = times(
        writer.op('Add', [x, times(cube, number(0.044715))]),
        number(Math.sqrt(2 / Math.PI))
      );
      const factor = writer.op('Add', [writer.op('Tanh', [inner]), number(1)]);
      return times(times(x, number(0.5)), factor);
    }
    case 'identity':
      return x;
  }
}

/** SwiGLU: gate sigmoid(alpha gate) (linear + beta); a limit clips the gate above and the linear part on both sides. */
export function applySwiGLU(
  context: DecompositionContext,
  { proto }: GraphNode,
  gate: string,
  linear: string,
  like: string
): string {
  const { writer } = context;
  const number = (value: number): string => numberLike(context, value, like);
  const alpha = attributeFloat(proto, 'activation_alpha') ?? 1;
  const beta = attributeFloat(proto, 'activation_beta') ?? 0;
  const limit = attributeFloat(proto, 'swiglu_limit') ?? Infinity;
  const finite = limit < MAX_FLOAT;
  const g = finite ? writer.op('Clip', [gate, '', number(limit)]) : gate;
  const l = finite
    ? writer.op('Clip', [linear, number(-limit), number(limit)])
    : linear;
  const scaled = alpha === 1 ? g : writer.op('Mul', [g, number(alpha)]);
  const swish = writer.op('Mul', [g, writer.op('Sigmoid', [scaled])]);
  return writer.op('Mul', [
    swish,
    beta === 0 ? l : writer.op('Add', [l, number(beta)])
  ]);
}

/** Whether gate and linear part alternate in one product (swiglu_fusion 0 or 1) or are two halves of it (2). */
export function isInterleaved({ proto }: GraphNode): boolean {
  return (attributeInt(proto, 'swiglu_fusion') ?? 0) !== 2;
}

const MAX_FLOAT = 3e38;
