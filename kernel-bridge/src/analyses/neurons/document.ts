/** What the neurons of an expert do to a target, as JSON: `moe-debugger/neurons@1`. */
import type {
  CircuitCorrelation,
  CircuitTarget,
  RouterPlace,
  Token
} from '../../base/protocol';

export interface NeuronEffect {
  neuron: number;
  /** Mean activation over the tokens that select the expert. */
  activation: number;
  /** First-order change of the target if the neuron is clamped, at all of these tokens: the change of its activation times the gradient. */
  effect: number;
  /** Measured change; absent where it was not run. */
  measured?: number;
}

export interface NeuronsDocument extends RouterPlace {
  schema: 'moe-debugger/neurons@1';
  model: string;
  expert: number;
  tokens: Token[];
  /** Positions of the tokens that select the expert. */
  positions: number[];
  target: CircuitTarget;
  /** Value of the target. */
  value: number;
  /** The activation that each neuron is clamped to. */
  to: number;
  /** All neurons, strongest first-order effect first. */
  neurons: NeuronEffect[];
  /** Of first-order with measured effects. */
  correlation?: CircuitCorrelation;
  /** Notes about how the results were obtained. */
  notes: string[];
}
