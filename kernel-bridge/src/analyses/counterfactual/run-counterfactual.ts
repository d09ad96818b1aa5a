/** Runs a counterfactual: a prompt without and with edits, or with more of them, and measures the effects between experts. */
import type { Progress } from '../../base/progress';
import { editedSession } from '../../run/edits/edited-sessions';
import { diffRouting, type DiffOptions } from '../diff/routing-diff';
import { editsOfRouter } from '../margins/edited-logits';
import { nearMissThresholds } from '../margins/near-miss';
import type { Edits } from '../../run/edits/edits';
import { joinEdits } from '../../run/edits/join-edits';
import { MoEDebuggerError } from '../../base/errors';
import type { LoadedModel } from '../../run/model/loaded-model';
import type { Prompt } from '../../run/model/prompt';
import { tracePrompts, type RunTarget } from '../../run/trace/trace-prompts';
import type { RoutingTrace } from '../../run/trace/routing-trace';
import { buildGraph, expertId, type MeasuredChange } from './build-graph';
import { changesOf } from './choices';
import { Counterfactual } from './counterfactual';
import {
  DirectEffects,
  outputEffect,
  type DirectEffect
} from './direct-effects';

export interface CounterfactualOptions extends DiffOptions {
  /** Also measure direct effects, one more run per changed expert. Default true. */
  direct?: boolean;
  /** Maximum number of runs for direct effects; experts that changed at the most tokens come first. Default 64. */
  maxRuns?: number;
  signal?: AbortSignal;
  /** Called after each run. The total grows once, when the number of changes is known. */
  onProgress?: (progress: Progress) => void;
}

/** Without edits, with edits, held to the original, and held to it except for the edits. */
const RUNS = 4;
const MAX_RUNS = 64;

/**
 * @param base edits that the model has in both runs
 * @throws MoEDebuggerError 'edit' before anything runs, and as `MoEModel.trace`
 */
export async function runCounterfactual(
  model: LoadedModel,
  prompt: Prompt,
  edits: Edits,
  options: CounterfactualOptions = {},
  base: Edits = {}
): Promise<Counterfactual> {
  const { direct = true, maxRuns = MAX_RUNS, signal, onProgress } = options;
  if (!Number.isInteger(maxRuns) || maxRuns < 0) {
    throw new MoEDebuggerError('input', `invalid maxRuns ${maxRuns}`, {
      where: 'maxRuns',
      hint: 'give a whole number of at least 0'
    });
  }
  nearMissThresholds(options);
  const tokenized = model.tokenize(prompt);
  const session = editedSession(model);
  const { records } = session.resolve(edits).records;
  const started = session.resolve(base);
  const together = joinEdits(base, edits, model.routers);
  const edited = session.resolve(together);
  if (records.length === 0) {
    throw new MoEDebuggerError('edit', 'there are no edits', {
      where: 'counterfactual',
      hint: 'give at least one edit'
    });
  }
  const why = direct ? session.unpinnable : 'direct effects are turned off';
  let total = why === undefined ? RUNS : 2;
  let done = 0;
  const counted = async <T>(run: Promise<T>): Promise<T> => {
    const result = await run;
    onProgress?.({ done: ++done, total });
    return result;
  };
  const trace = (target: () => Promise<RunTarget>): Promise<RoutingTrace> =>
    counted(
      tracePrompts(model, target, [tokenized], { logits: 'all', signal })
    );
  const before = await trace(
    started.records.records.length === 0
      ? () => Promise.resolve(model)
      : started.run
  );
  const after = await trace(edited.run);
  const diff = diffRouting(before, after, options);
  const { layers } = before.samples[0];
  const facts = {
    sample: before.samples[0],
    edits: records,
    acted: layers.map(layer =>
      editsOfRouter(records, layer).some(({ kind }) => kind !== 'steer')
    ),
    changes: changesOf(diff),
    output: outputEffect(before, after)
  };
  const runs = { original: before, edited: after, diff };
  const effects = new DirectEffects(model, base, tokenized, before, after, {
    signal
  });
  const cannot =
    why ??
    ((await counted(effects.reproduces()))
      ? undefined
      : 'held to its own selection, the model does not reproduce its output');
  if (cannot !== undefined) {
    return new Counterfactual(runs, buildGraph(facts, { why: cannot }));
  }
  const wanted = distinctChanges(facts.changes);
  const measured = wanted.slice(0, maxRuns);
  total = RUNS + measured.length;
  const ofEdits = await counted(effects.ofEdits(together, facts.acted));
  const changes: MeasuredChange[] = [];
  for (const { router, experts, positions } of measured) {
    const effect: DirectEffect = await counted(
      effects.ofChange(router, positions)
    );
    experts.forEach(expert => changes.push({ router, expert, effect }));
  }
  return new Counterfactual(
    runs,
    buildGraph(facts, {
      ofEdits,
      changes,
      unmeasured: wanted
        .slice(maxRuns)
        .flatMap(({ router, experts }) =>
          experts.map(expert => expertId(layers[router], expert))
        )
    })
  );
}

interface Change {
  router: number;
  /** Experts that changed at exactly these positions: one run measures them together. */
  experts: number[];
  positions: ReadonlySet<number>;
}

/** The distinct changes to run, those of the most tokens first. */
function distinctChanges(changes: ReturnType<typeof changesOf>): Change[] {
  const found = new Map<string, Change>();
  changes.forEach((byExpert, router) => {
    for (const [expert, { entered, left }] of byExpert) {
      const positions = [...entered, ...left].sort((a, b) => a - b);
      const key = `${router}:${positions.join()}`;
      const change = found.get(key) ?? {
        router,
        experts: [],
        positions: new Set(positions)
      };
      change.experts.push(expert);
      found.set(key, change);
    }
  });
  return [...found.values()].sort(
    (a, b) => b.positions.size - a.positions.size || a.router - b.router
  );
}
