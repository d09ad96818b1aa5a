/** What if neurons of an expert had fired: the target with hidden units clamped, scaled, or steered along a direction. */
import { MoEDebuggerError } from '../../base/errors';
import { checkGiven } from '../../base/given-options';
import { layerName, type CircuitTarget } from '../../base/protocol';
import type { Runnable } from '../../run/model/runnable';
import type { Prompt } from '../../run/model/prompt';
import type { HiddenUnits } from './hidden-units';
import type { UnitChange } from './neuron-graph';
import type { ChangeNeuronsOptions, NeuronChange } from './options';
import { UnitRuns, type Trace } from './unit-runs';

/** The target without and with the change, at all tokens that select the expert. */
export interface ChangedNeurons {
  target: CircuitTarget;
  /** Positions of the tokens that select the expert. */
  positions: number[];
  before: number;
  after: number;
  /** `after` minus `before`. */
  effect: number;
}

/** @throws MoEDebuggerError as `neuronEffects`, and 'input' for a neuron or a vector that does not fit */
export async function changeNeurons(
  model: Runnable,
  trace: Trace,
  prompt: Prompt,
  options: ChangeNeuronsOptions
): Promise<ChangedNeurons> {
  checkGiven(options, 'changeNeurons', 'give layer and expert');
  const runs = await UnitRuns.start(model, trace, prompt, options);
  const change = changeOf(runs.units, options);
  const unchanged = changeOf(runs.units, {});
  const before = await runs.changed(unchanged);
  const after = await runs.changed(change);
  return {
    target: runs.target.described,
    positions: [...runs.positions],
    before,
    after,
    effect: after - before
  };
}

function changeOf(
  { neurons: count, router, expert }: HiddenUnits,
  { neurons = [], steer }: Pick<ChangeNeuronsOptions, 'neurons' | 'steer'>
): UnitChange {
  const refused = (what: string, hint: string): MoEDebuggerError =>
    new MoEDebuggerError('input', what, {
      where: `${layerName(router)}, expert ${expert}`,
      hint
    });
  const keep = new Float32Array(count).fill(1);
  const add = new Float32Array(count);
  const seen = new Set<number>();
  if (!Array.isArray(neurons)) {
    throw refused(
      `neurons cannot be ${JSON.stringify(neurons)}`,
      'give a list such as [{ neuron: 3, value: 0 }]'
    );
  }
  for (const own of neurons as readonly NeuronChange[]) {
    if (typeof own !== 'object' || own === null) {
      throw refused(
        `the change of a neuron cannot be ${JSON.stringify(own)}`,
        'give an object such as { neuron: 3, value: 0 }'
      );
    }
    const { neuron } = own;
    if (!Number.isInteger(neuron) || neuron < 0 || neuron >= count) {
      throw refused(
        `there is no neuron ${String(neuron)}`,
        `give one of its neurons, 0 to ${count - 1}`
      );
    }
    if (seen.has(neuron)) {
      throw refused(
        `neuron ${neuron} is changed twice`,
        'give one change of each neuron'
      );
    }
    seen.add(neuron);
    if ('value' in own && 'factor' in own) {
      throw refused(
        `neuron ${neuron} has both a value and a factor`,
        'give one of them'
      );
    }
    const value = 'value' in own ? own.value : own.factor;
    if (typeof value !== 'number' || !Number.isFinite(Math.fround(value))) {
      throw refused(
        `neuron ${neuron} cannot be changed by ${String(value)}`,
        'give a finite value to clamp it to, or a finite factor'
      );
    }
    keep[neuron] = 'value' in own ? 0 : value;
    add[neuron] = 'value' in own ? value : 0;
  }
  if (steer) {
    const { vector, scale = 1 } = steer;
    if (vector?.length !== count) {
      throw refused(
        `a vector of ${String(vector?.length)} values does not fit ${count} neurons`,
        `give ${count} values`
      );
    }
    for (let i = 0; i < count; i++) {
      add[i] += vector[i] * scale;
    }
    if (!add.every(Number.isFinite)) {
      throw refused(
        'a vector has values that are not finite',
        'give finite values, and a finite scale'
      );
    }
  }
  return { keep, add };
}
