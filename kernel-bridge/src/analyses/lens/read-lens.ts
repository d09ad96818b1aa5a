/** Logit lens (nostalgebraist 2020) on the residual stream and on single experts. */
import type { Progress } from '../../base/progress';
import { probedSession } from '../../run/edits/edited-sessions';
import {
  expertOutputs,
  type ExpertOutputs
} from '../../run/activations/expert-outputs';
import {
  recordActivations,
  type Activations
} from '../../run/activations/record-activations';
import type { Edits } from '../../run/edits/edits';
import { MoEDebuggerError } from '../../base/errors';
import {
  divergence,
  likeliest,
  rank,
  softmaxEntropy
} from '../../base/statistics/logits';
import type { LoadedModel } from '../../run/model/loaded-model';
import type { Prompt, TokenizedPrompt } from '../../run/model/prompt';
import type { LensExperts, LensLayer, LensReading } from '../../base/protocol';
import { Lens } from './lens';
import { project } from './project';
import { checkTop, finite, topTokens } from './ranking';

export interface LensOptions {
  /** Tokens of each distribution. Default 10. */
  top?: number;
  /** Positions to read. Default: the last one. */
  positions?: 'last' | 'all' | readonly number[];
  /** Whether to read single experts too, which takes k + 1 forward passes per layer. Default true. */
  experts?: boolean;
  edits?: Edits;
  signal?: AbortSignal;
  /** Called after each forward pass. */
  onProgress?: (progress: Progress) => void;
}

/**
 * @throws MoEDebuggerError 'input' for an invalid prompt or option, 'edit', 'model-unsupported' if no residual stream is
 * found, 'cancelled'
 */
export async function readLens(
  model: LoadedModel,
  prompt: Prompt,
  options: LensOptions = {}
): Promise<Lens> {
  const { top = 10, experts = true, edits = {}, signal } = options;
  checkTop(top);
  const tokenized = model.tokenize(prompt);
  const ids = tokenized.decoderIds ?? tokenized.ids;
  const positions = positionsOf(options.positions ?? 'last', ids.length);
  const { records, run } = probedSession(model).resolve(edits);
  const target = await run();
  // Only the stack that ends in logits has an unembedding.
  const voting = [...model.routers.keys()].filter(
    router =>
      experts &&
      model.routers[router].stack !== 'encoder' &&
      target.activations.routers[router].output !== undefined
  );
  const forwards = {
    done: 0,
    total:
      1 +
      voting.reduce((sum, router) => sum + target.routers[router].topK + 1, 0)
  };
  const onRun = (): void =>
    options.onProgress?.({ done: ++forwards.done, total: forwards.total });
  const recorded = await recordActivations(
    model,
    target,
    tokenized,
    { residual: true, outputs: voting, logits: true },
    signal
  );
  onRun();
  const reader = new LensReader(model, tokenized, positions, top, signal);
  const layers = await reader.layers(recorded);
  const votes: LensExperts[] = [];
  const warnings: string[] = [];
  for (const router of voting) {
    try {
      const outputs = await expertOutputs(
        model,
        tokenized,
        {
          router,
          routing: recorded.routing[router],
          added: recorded.outputs.get(router)!
        },
        { edits, signal, onRun }
      );
      votes.push(await reader.experts(recorded, outputs));
    } catch (error) {
      if ((error as MoEDebuggerError).code !== 'model-unsupported') {
        throw error;
      }
      warnings.push((error as Error).message);
    }
  }
  return new Lens(
    {
      model: model.onnx.name,
      tokens: model.tokens(ids),
      positions,
      layers,
      experts: votes,
      warnings
    },
    records.records
  );
}

function positionsOf(
  wanted: 'last' | 'all' | readonly number[],
  tokens: number
): number[] {
  if (wanted === 'last') {
    return [tokens - 1];
  }
  if (wanted === 'all') {
    return Array.from({ length: tokens }, (_, i) => i);
  }
  const wrong = wanted.find(
    position =>
      !Number.isInteger(position) || position < 0 || position >= tokens
  );
  if (wrong !== undefined || wanted.length === 0) {
    throw new MoEDebuggerError(
      'input',
      wanted.length === 0
        ? 'the list of positions is empty'
        : `there is no position ${String(wrong)}`,
      { where: 'positions', hint: `give positions from 0 to ${tokens - 1}` }
    );
  }
  return [...new Set(wanted)].sort((a, b) => a - b);
}

/** Reads the requested positions of one run. */
class LensReader {
  constructor(
    private readonly _model: LoadedModel,
    private readonly _prompt: TokenizedPrompt,
    private readonly _positions: readonly number[],
    private readonly _top: number,
    private readonly _signal?: AbortSignal
  ) {}

  async layers({ residual, logits }: Activations): Promise<LensLayer[]> {
    const layers: LensLayer[] = [];
    for (const { values, ...place } of residual) {
      if (place.stack === 'encoder') {
        continue;
      }
      const width = values.length / this._tokens;
      const readings: LensReading[] = [];
      await this._project(
        gather(values, width, this._positions),
        width,
        (own, i) => {
          const position = this._positions[i];
          const final = this._final(logits!, position, own.length);
          readings.push({
            position,
            top: this._topOf(own),
            entropy: finite(softmaxEntropy(own)),
            klToFinal: final ? finite(divergence(final, own)) : null,
            rankOfFinal: final ? finite(rank(own, likeliest(final))) : null
          });
        }
      );
      layers.push({ ...place, top: readings.at(-1)!.top, readings });
    }
    return layers;
  }

  async experts(
    { routing }: Activations,
    { router, values, selected, weights, topK, width }: ExpertOutputs
  ): Promise<LensExperts> {
    const { layer, stack, module, experts, score } = routing[router];
    const { lost = [] } = this._model.routers[router];
    // Experts of weight zero were not computed, and those that the graph has no path for say nothing.
    const slots = this._positions
      .flatMap(position =>
        Array.from({ length: topK }, (_, slot) => position * topK + slot)
      )
      .filter(
        slot =>
          !Number.isNaN(values[slot * width]) && !lost.includes(selected[slot])
      );
    const positions = this._positions.map(position => ({
      position,
      votes: [] as LensExperts['positions'][number]['votes']
    }));
    await this._project(gather(values, width, slots), width, (own, i) => {
      const slot = slots[i];
      const at = this._positions.indexOf(Math.floor(slot / topK));
      positions[at].votes.push({
        expert: selected[slot],
        weight: finite(weights[slot]),
        top: this._topOf(own)
      });
    });
    return {
      layer,
      ...(stack ? { stack } : {}),
      ...(module ? { module } : {}),
      experts,
      topK,
      score,
      positions
    };
  }

  /** The model's own logits at a position; some graphs compute only the last token's. */
  private _final(
    logits: Float32Array,
    position: number,
    vocabulary: number
  ): Float32Array | undefined {
    const missing = this._tokens - logits.length / vocabulary;
    return position < missing
      ? undefined
      : logits.subarray(
          (position - missing) * vocabulary,
          (position - missing + 1) * vocabulary
        );
  }

  private get _tokens(): number {
    return (this._prompt.decoderIds ?? this._prompt.ids).length;
  }

  private _topOf(logits: Float32Array): LensReading['top'] {
    return topTokens(logits, this._top, id => this._model.tokenizer?.piece(id));
  }

  private _project(
    vectors: Float32Array,
    width: number,
    each: (logits: Float32Array, index: number) => void
  ): Promise<void> {
    return project(this._model, vectors, width, each, this._signal);
  }
}

/** Selects rows of [rows, width]. */
function gather(
  values: Float32Array,
  width: number,
  rows: readonly number[]
): Float32Array {
  const gathered = new Float32Array(rows.length * width);
  rows.forEach((row, i) =>
    gathered.set(values.subarray(row * width, (row + 1) * width), i * width)
  );
  return gathered;
}
