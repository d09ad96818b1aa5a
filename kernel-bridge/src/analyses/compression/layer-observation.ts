/** Accumulates the importance of a layer's experts, and how alike they are. */
import { layerName, type RoutingLayer } from '../../base/protocol';
import { expertImportance, naeeKeptSets, type KeptSet } from '../../measures';
import { dot } from '../../measures/vectors';
import type { Router } from '../../routing/convention';
import type { LayerEvidence } from './decide';
import { ExpertKinds } from './expert-kinds';
import { ExpertPairs } from './expert-pairs';

/** Limits of the NAEE search: tokens, multiplications, and sets to try. */
const NAEE_TOKENS = 256;
const NAEE_WORK = 5e8;
const NAEE_SETS = 2000;

export class LayerObservation {
  private readonly _pairs: ExpertPairs;
  private readonly _kinds: ExpertKinds;
  private readonly _selected: number[] = [];
  private readonly _weights: number[] = [];
  private readonly _norms: number[] = [];
  private readonly _peaks: Float64Array;
  /** First tokens: [tokens, E] and [tokens, E, width]. */
  private readonly _logits: number[] = [];
  private readonly _outputs: Float32Array[] = [];
  private _width = 0;
  private _unknown = false;

  constructor(
    private readonly _router: Pick<
      Router,
      | 'layer'
      | 'stack'
      | 'module'
      | 'experts'
      | 'topK'
      | 'tensors'
      | 'convention'
    >
  ) {
    this._pairs = new ExpertPairs(_router.experts);
    this._kinds = new ExpertKinds(_router.experts);
    this._peaks = new Float64Array(_router.experts).fill(NaN);
  }

  addRouting({ selected, weights, topK }: RoutingLayer): void {
    for (let slot = 0; slot < selected.length; slot++) {
      this._selected.push(selected[slot]);
      this._weights.push(weights[slot]);
      if (slot % topK === 0) {
        this._pairs.addChoice(selected.subarray(slot, slot + topK));
      }
    }
  }

  /**
   * @param values [tokens, k or E, width]
   * @param inputs [tokens, width] of the router, which the experts read too
   */
  addOutputs(
    { selected, weights, logits, topK, experts: count }: RoutingLayer,
    every: boolean,
    {
      values,
      width,
      inputs
    }: { values: Float32Array; width: number; inputs?: Float32Array }
  ): void {
    this._width = width;
    const columns = every ? count : topK;
    const all = Array.from({ length: count }, (_, e) => e);
    for (let t = 0; t < selected.length / topK; t++) {
      const chosen = selected.subarray(t * topK, (t + 1) * topK);
      const outputs = Array.from({ length: columns }, (_, column) => {
        const start = (t * columns + column) * width;
        return values.subarray(start, start + width);
      });
      const experts = every ? all : chosen;
      this._pairs.addOutputs(experts, outputs);
      const input = inputs?.subarray(t * width, (t + 1) * width);
      outputs.forEach((output, i) =>
        this._kinds.add(experts[i], input, output)
      );
      chosen.forEach((expert, slot) => {
        // A slot of weight 0 was not run.
        const ran = expert >= 0 && weights[t * topK + slot] !== 0;
        const output = outputs[every ? expert : slot];
        this._norms.push(ran ? Math.sqrt(dot(output, output)) : 0);
        if (ran) {
          const peak = output.reduce(
            (most, value) => Math.max(most, Math.abs(value)),
            0
          );
          this._peaks[expert] = Math.max(this._peaks[expert] || 0, peak);
        }
      });
      if (every && this._outputs.length < NAEE_TOKENS * count) {
        this._unknown ||= outputs.some(([first]) => !Number.isFinite(first));
        this._logits.push(...logits.subarray(t * count, (t + 1) * count));
        this._outputs.push(...outputs);
      }
    }
  }

  evidence(shown: boolean, keep: number, warnings: string[]): LayerEvidence {
    const { experts, topK } = this._router;
    const norms = shown ? this._norms : this._selected.map(() => NaN);
    const { counts, gateSum, reap, ean } = expertImportance(
      this._selected,
      this._weights,
      norms,
      experts
    );
    const tokens = this._selected.length / topK;
    if (!shown) {
      return { experts, tokens, importance: { counts, gateSum } };
    }
    const naee = this._naee(keep, warnings);
    return {
      experts,
      tokens,
      importance: { counts, gateSum, reap, ean },
      pairs: this._pairs,
      peaks: this._peaks,
      kinds: Array.from({ length: experts }, (_, e) => this._kinds.of(e)),
      ...(naee ? { naee } : {})
    };
  }

  private _naee(keep: number, warnings: string[]): KeptSet[] | undefined {
    const { experts, topK, tensors, convention } = this._router;
    const width = this._width;
    const refuse = (why: string): undefined => {
      warnings.push(`${layerName(this._router)}: NAEE is unavailable: ${why}`);
    };
    if (this._outputs.length === 0 || this._unknown) {
      return refuse('not every expert was run on every token');
    }
    if (tensors.logitsAre !== 'logits' || !weighsAsNaee(this._router)) {
      return refuse(
        'its weights are not a softmax over the logits of the selected experts' +
          (convention.weightsInput ? ' at their outputs' : '')
      );
    }
    const sets = combinations(experts, keep);
    if (sets > NAEE_SETS) {
      return refuse(`${sets} sets of experts are too many to try`);
    }
    const tokens = Math.min(
      this._outputs.length / experts,
      Math.floor(NAEE_WORK / (sets * topK * width))
    );
    if (tokens < 1) {
      return refuse('its experts are too wide to try every set');
    }
    const outputs = new Float32Array(tokens * experts * width);
    this._outputs
      .slice(0, tokens * experts)
      .forEach((output, i) => outputs.set(output, i * width));
    return naeeKeptSets(this._logits.slice(0, tokens * experts), outputs, {
      experts,
      topK,
      width,
      keep
    });
  }
}

/** True if the weights are a softmax over the selected logits, or a full softmax renormalised, which is the same. */
function weighsAsNaee({ convention }: Pick<Router, 'convention'>): boolean {
  const { score, scoreBeforeTopK, renormalized, scale = 1 } = convention;
  return (
    score === 'softmax' &&
    (renormalized || !scoreBeforeTopK) &&
    scale === 1 &&
    !convention.expertScale &&
    !convention.selectionBias &&
    !convention.groups &&
    !convention.sparsemixer &&
    convention.capacity === undefined &&
    !convention.weightsInput
  );
}

function combinations(n: number, k: number): number {
  let count = 1;
  for (let i = 1; i <= k; i++) {
    count *= (n - k + i) / i;
  }
  return Math.round(count);
}
