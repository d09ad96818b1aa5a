/** The clean and the corrupted run, with the output of each source in them. */
import { gradientsOf } from '../../run/gradients/gradients-of';
import { attentionOf } from '../attention/model-attention';
import { baselineEmbeddings } from '../attribution/baseline';
import { mayBatch } from '../attribution/batches';
import { DEFAULT_MEMORY_LIMIT } from '../attribution/options';
import { cancellable } from '../../run/engine/cancel';
import { toFloat32 } from '../../run/engine/tensor-values';
import { MoEDebuggerError } from '../../base/errors';
import type { GradientRun } from '../../run/gradients/gradient-session';
import { checkMemory } from '../../run/gradients/memory';
import type {
  DerivedGraph,
  Gradients
} from '../../run/gradients/model-gradients';
import type { Runnable } from '../../run/model/runnable';
import type { Prompt } from '../../run/model/prompt';
import type { Token } from '../../base/protocol';
import { GraphCopy } from './graph-copy';
import type { Corrupted, PatchOptions } from './options';
import { settleTarget, type SettledTarget } from './patch-target';
import { remembered } from '../../base/remembered';
import { listSources, partCount, writeSources, type Source } from './sources';
import { streamLayout, type StreamLayout } from './stream-layout';

/** One of the two runs. */
export interface RecordedRun {
  run: GradientRun;
  /** Value of the target. */
  value: number;
  /** Output of each source, [tokens, width]. */
  added: Float32Array[];
  /** Other tensors of the graph, by name. */
  tensors: ReadonlyMap<string, Float32Array>;
}

export interface TwoRuns {
  model: Runnable;
  gradients: Gradients;
  layout: StreamLayout;
  target: SettledTarget;
  sources: Source[];
  clean: RecordedRun;
  corrupted: RecordedRun;
  tokens: { clean: Token[]; corrupted: Token[] | 'zero' | 'mean' };
  memoryLimit: number;
  /** Maximum batch size; 1 where entries of a batch would affect one another. */
  largest: number;
  /** Indices of branches that are one source each. */
  whole: ReadonlySet<number>;
  notes: string[];
}

/**
 * @param known branches that are known to be one source each
 * @throws MoEDebuggerError 'input' for prompts of unequal length or a target that does not exist, 'model-unsupported' if
 * the residual stream cannot be decomposed, 'gradient' when memory would not suffice, 'cancelled'
 */
export async function runBoth(
  model: Runnable,
  prompt: Prompt,
  corrupted: Corrupted,
  options: PatchOptions,
  known: ReadonlySet<number> = new Set()
): Promise<TwoRuns> {
  const { signal, memoryLimit = DEFAULT_MEMORY_LIMIT } = options;
  if (model.inputs.encoderDecoder) {
    throw new MoEDebuggerError(
      'model-unsupported',
      'patching does not support encoder-decoder models',
      { where: model.onnx.file, hint: 'attribute works on them' }
    );
  }
  const clean = model.tokenize(prompt);
  const made = isMade(corrupted) ? corrupted.embeddings : undefined;
  const other = made ? undefined : model.tokenize(corrupted as Prompt, 1);
  if (other && other.ids.length !== clean.ids.length) {
    throw new MoEDebuggerError(
      'input',
      `the clean prompt has ${clean.ids.length} tokens and the corrupted one ${other.ids.length}`,
      {
        where: 'corrupted',
        hint: 'give two prompts with the same number of tokens'
      }
    );
  }
  const target = await settleTarget(model, options, clean, other);
  const gradients = gradientsOf(model);
  const prepared = await cancellable(gradients.prepare(), signal);
  const layout = streamLayout(
    model,
    prepared,
    attentionOf(prepared),
    target.tensor
  );
  const { position, index, against } = target;
  const at = {
    position,
    index,
    ...(against === undefined ? {} : { against })
  };
  const baseline = made
    ? await baselineEmbeddings(model, gradients, made, clean.ids.length)
    : undefined;
  const runs: GradientRun[] = [
    { ...at, sequence: clean, scales: [1] },
    {
      ...at,
      sequence: other ?? clean,
      scales: [made ? 0 : 1],
      ...(baseline ? { baseline } : {})
    }
  ];
  const recorder = new Recorder(
    { model, gradients, layout, target, memoryLimit },
    clean.ids.length
  );
  const whole = new Set(
    options.parts === false ? layout.branches.keys() : known
  );
  const notes = options.parts === false ? [] : notTold(layout);
  for (;;) {
    const sources = listSources(layout, whole);
    const recorded = await recorder.record(sources, runs, signal);
    if (recorded.entangled.length === 0) {
      return {
        model,
        gradients,
        layout,
        target,
        sources,
        clean: recorded.runs[0],
        corrupted: recorded.runs[1],
        tokens: {
          clean: model.tokens(clean.ids),
          corrupted: other ? model.tokens(other.ids) : made!
        },
        memoryLimit,
        largest: mayBatch(model) ? Infinity : 1,
        whole,
        notes
      };
    }
    for (const branch of recorded.entangled) {
      whole.add(branch);
      const { layer, kind } = layout.branches[branch];
      notes.push(
        `layer ${layer}: the outputs of single ${kind === 'attention' ? 'heads' : 'experts'} do not sum to the layer's output, so the layer is one node`
      );
    }
  }
}

/** Warnings for layers whose heads or experts the graph does not separate. */
function notTold({ branches, prepared }: StreamLayout): string[] {
  return (['attention', 'moe'] as const).flatMap(kind => {
    const layers = branches
      .filter(
        own =>
          own.kind === kind &&
          own.attention?.heads !== 1 &&
          partCount(own, prepared.facts) === 0
      )
      .map(({ layer }) => layer);
    return layers.length === 0
      ? []
      : [
          `layer ${layers.join(', ')}: single ${kind === 'attention' ? 'heads' : 'experts'} cannot be separated`
        ];
  });
}

export function isMade(
  corrupted: Corrupted
): corrupted is { embeddings: 'zero' | 'mean' } {
  return (
    typeof corrupted === 'object' &&
    corrupted !== null &&
    !Array.isArray(corrupted) &&
    'embeddings' in corrupted
  );
}

/** Tensors other than branches that can be patched: the stream after each block, and router logits. */
export function watchedTensors({ branches, states, target }: StreamLayout): {
  residual: { branch: number; tensor: string }[];
  routers: { branch: number; tensor: string }[];
} {
  return {
    residual: branches.flatMap(({ last }, branch) =>
      last ? [{ branch, tensor: states[branch + 1] }] : []
    ),
    routers: branches.flatMap(({ routed }, branch) =>
      routed && routed.router.tensors.logits !== target
        ? [{ branch, tensor: routed.router.tensors.logits }]
        : []
    )
  };
}

interface SourceGraph {
  derived: DerivedGraph;
  /** One per branch. */
  written: ReturnType<typeof writeSources>[];
}

const sourceGraphs = remembered<StreamLayout, SourceGraph>();

/** The graph, extended with one tensor per source for its output. */
function sourceGraph(
  layout: StreamLayout,
  sources: readonly Source[]
): SourceGraph {
  const key = `sources ${layout.target} ${sources.map(({ id }) => id).join()}`;
  return sourceGraphs(layout, key, () => {
    const copy = new GraphCopy(
      layout.graph,
      layout.prepared.facts,
      'moe_debugger/sources/'
    );
    const written = layout.branches.map((own, branch) =>
      writeSources(
        copy,
        own,
        sources.filter(source => source.branch === branch),
        new Map()
      )
    );
    return { written, derived: copy.build(key) };
  });
}

class Recorder {
  constructor(
    private readonly _of: Pick<
      TwoRuns,
      'model' | 'gradients' | 'layout' | 'target' | 'memoryLimit'
    >,
    private readonly _tokens: number
  ) {}

  /** Runs both prompts; returns the branches whose sources do not sum to them. */
  async record(
    sources: readonly Source[],
    runs: readonly GradientRun[],
    signal?: AbortSignal
  ): Promise<{ runs: RecordedRun[]; entangled: number[] }> {
    const { gradients, layout, target, memoryLimit } = this._of;
    const { derived, written } = sourceGraph(layout, sources);
    const tensors = written.flatMap(own => own.tensors);
    const watched = watchedTensors(layout);
    const also = [
      layout.states[0],
      ...[...watched.residual, ...watched.routers].map(({ tensor }) => tensor),
      ...layout.branches.map(({ branch }) => branch),
      ...written.flatMap(({ rest }) => rest ?? [])
    ];
    const session = await cancellable(
      gradients.session({
        kind: target.kind,
        tensor: target.tensor,
        forwardOnly: true,
        on: derived,
        tensors: [...new Set([...tensors, ...also])]
      }),
      signal
    );
    const size = { batch: 1, tokens: this._tokens };
    checkMemory(
      session.bytes(size) + 2 * tensors.length * this._tokens * this._width * 4,
      memoryLimit,
      size
    );
    const recorded: RecordedRun[] = [];
    for (const run of runs) {
      const { values, tensors: held } = await cancellable(
        session.run(run, { tensors: [...new Set([...tensors, ...also])] }),
        signal
      );
      const of = (name: string): Float32Array => toFloat32(held.get(name)!);
      recorded.push({
        run,
        value: checkFinite(values[0]),
        added: [of(layout.states[0]), ...tensors.map(of)],
        tensors: new Map(also.map(name => [name, of(name)]))
      });
    }
    return {
      runs: recorded,
      entangled: written.flatMap(({ rest }, branch) =>
        rest !== undefined &&
        !recorded.every(run =>
          addsUp(run, recorded[0].tensors.get(rest)!, rest, branch)
        )
          ? [branch]
          : []
      )
    };

    /** @param bias what no part adds, in the clean run */
    function addsUp(
      run: RecordedRun,
      bias: Float32Array,
      rest: string,
      branch: number
    ): boolean {
      const own = sources.flatMap((source, i) =>
        source.branch === branch ? [{ source, values: run.added[i] }] : []
      );
      const parts = own.filter(({ source }) => source.index !== undefined);
      // Without shared experts the remainder must be the same in both runs, like a bias.
      const beside = parts.length < own.length ? run.tensors.get(rest)! : bias;
      const whole = run.tensors.get(layout.branches[branch].branch)!;
      const largest = whole.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
      return whole.every((x, i) => {
        const sum = parts.reduce(
          (all, { values }) => all + values[i],
          beside[i]
        );
        return Math.abs(sum - x) <= TOLERANCE * largest;
      });
    }
  }

  private get _width(): number {
    const { layout } = this._of;
    return layout.prepared.facts.fixedAxis(layout.states[0], -1) ?? 0;
  }
}

function checkFinite(value: number): number {
  if (!Number.isFinite(value)) {
    throw new MoEDebuggerError('gradient', 'the target is not a number', {
      hint: 'diagnose names the layer where values stop being finite'
    });
  }
  return value;
}

/** Relative to the largest value: the precision of float16. */
const TOLERANCE = 1e-2;
