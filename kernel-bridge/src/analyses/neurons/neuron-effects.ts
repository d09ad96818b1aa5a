/** Which neurons of an expert matter for a target: to first order for all, by clamping for some. */
import { MoEDebuggerError } from '../../base/errors';
import { checkGiven } from '../../base/given-options';
import { drawn, randomNumbers } from '../../base/statistics/random';
import { editNotes, type Runnable } from '../../run/model/runnable';
import type { Prompt } from '../../run/model/prompt';
import { correlation } from '../patching/correlation';
import type { NeuronEffect } from './document';
import { NeuronEffects } from './neurons-result';
import { DEFAULT_MEASURED, type NeuronEffectOptions } from './options';
import { UnitRuns, type Trace, type UnitRows } from './unit-runs';

/**
 * @throws MoEDebuggerError 'input' for a prompt, an expert or an option that does not fit, or where no token selects the
 * expert; 'model-unsupported' naming an expert whose hidden units the graph does not show, such as a fused one;
 * 'gradient', 'cancelled'
 */
export async function neuronEffects(
  model: Runnable,
  trace: Trace,
  prompt: Prompt,
  options: NeuronEffectOptions
): Promise<NeuronEffects> {
  checkGiven(options, 'neuronEffects', 'give layer and expert');
  const { to = 0, measure = DEFAULT_MEASURED, seed = 0, onProgress } = options;
  check('to', to, Number.isFinite(Math.fround(to)), 'give a finite number');
  check(
    'measure',
    measure,
    Number.isInteger(measure) && measure >= 0,
    'give a whole number of at least 0'
  );
  const runs = await UnitRuns.start(model, trace, prompt, options);
  const rows = await runs.rows();
  const effects = firstOrder(rows, to);
  const wanted = [
    ...effects.slice(0, measure),
    ...drawn(
      effects.slice(measure),
      Math.min(measure, Math.max(0, effects.length - measure)),
      randomNumbers(seed)
    )
  ];
  const total = 1 + wanted.length;
  let done = 0;
  onProgress?.({ done: ++done, total });
  for (const own of wanted) {
    own.measured =
      (await runs.changed(clamped(effects.length, own.neuron, to))) -
      rows.value;
    onProgress?.({ done: ++done, total });
  }
  const { router, expert } = runs.units;
  return new NeuronEffects({
    schema: 'moe-debugger/neurons@1',
    model: model.onnx.name,
    layer: router.layer,
    ...(router.stack ? { stack: router.stack } : {}),
    ...(router.module ? { module: router.module } : {}),
    expert,
    tokens: model.tokens(runs.prompt.ids),
    positions: [...runs.positions],
    target: runs.target.described,
    value: rows.value,
    to,
    neurons: effects,
    ...(wanted.length > 0
      ? {
          correlation: correlation(
            wanted.map(({ effect, measured }) => [effect, measured!])
          )
        }
      : {}),
    notes: [...editNotes(model), ...reachNotes(rows, runs)]
  });
}

/** By neuron, strongest first. */
function firstOrder(
  { activations, slopes, filled }: UnitRows,
  to: number
): NeuronEffect[] {
  return Array.from(activations[0], (_, neuron): NeuronEffect => ({
    neuron,
    activation: activations.reduce((sum, row) => sum + row[neuron], 0) / filled,
    effect: activations.reduce(
      (sum, row, i) => sum + (to - row[neuron]) * slopes[i][neuron],
      0
    )
  })).sort(
    (a, b) => Math.abs(b.effect) - Math.abs(a.effect) || a.neuron - b.neuron
  );
}

function reachNotes(
  { slopes }: UnitRows,
  { target: { position } }: UnitRuns
): string[] {
  return slopes.every(row => row.every(slope => slope === 0))
    ? [
        `every effect is 0: the target is read at token ${position}, which the expert does not serve, and no later layer carries its output there`
      ]
    : [];
}

function clamped(
  neurons: number,
  neuron: number,
  to: number
): { keep: Float32Array; add: Float32Array } {
  const keep = new Float32Array(neurons).fill(1);
  const add = new Float32Array(neurons);
  keep[neuron] = 0;
  add[neuron] = to;
  return { keep, add };
}

function check(
  where: string,
  value: number,
  fits: boolean,
  hint: string
): void {
  if (!fits) {
    throw new MoEDebuggerError('input', `${where} cannot be ${value}`, {
      where,
      hint
    });
  }
}
