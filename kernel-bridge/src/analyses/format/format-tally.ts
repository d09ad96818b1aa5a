/** Gathers, text by text, how far formats move routing: the numbers of a result, in memory that a text adds little to. */
import { benjaminiHochberg } from '../../base/statistics/multiple-testing';
import { studentInterval } from '../../base/statistics/intervals';
import { upperStudentTail } from '../../base/statistics/student-t';
import { mean, sampleDeviation } from '../../base/statistics/summary';
import type { RouterIdentity, RoutingSample } from '../../base/protocol';
import { placeOf } from '../findings/finding';
import type {
  Estimate,
  FormatEffect,
  FormatLayer,
  FormatVerdict
} from './format-document';
import { ExpertGains } from './expert-gains';
import { PairDistances, ratioEstimate } from './pair-distances';
import { keptDistance, loadDistance, sharesOf } from './routing-distance';
import type { FormatKind } from './text-changes';

/** A text in another format, and a text that is changed in as many tokens. */
export interface ChangedText {
  kind: FormatKind;
  variant: RoutingSample;
  arbitrary: RoutingSample;
}

/** Sums over texts of one router. */
interface LayerSums {
  change: number;
  arbitrary: number;
}

/** What each text gave, means over its variants and over routers. */
interface KindTally {
  texts: number[];
  change: number[];
  arbitrary: number[];
  kept: { tokens: number; change: number[]; arbitrary: number[] };
  layers: LayerSums[];
  gains: ExpertGains;
}

/** Of the verdicts, and of the experts: together 5 %. */
const SIGNIFICANCE = 0.025;

export class FormatTally {
  private readonly _kinds = new Map<FormatKind, KindTally>();
  private readonly _others = new PairDistances();
  private readonly _otherLayers: { sum: number; pairs: number }[] = [];
  private _routers: readonly RouterIdentity[] = [];
  /** Routers that choose: of k = E experts, every token selects all. */
  private _chooses: boolean[] = [];

  /** Number of texts. */
  get texts(): number {
    return this._others.texts;
  }

  /** Routers of which every token selects all experts. */
  get allSelected(): RouterIdentity[] {
    return this._routers.filter((_, router) => !this._chooses[router]);
  }

  add(original: RoutingSample, changed: readonly ChangedText[]): void {
    if (this._routers.length === 0) {
      this._routers = original.layers;
      this._chooses = original.layers.map(
        ({ topK, experts }) => topK < experts
      );
    }
    const shares = sharesOf(original);
    const text = this._others.add(shares, (a, b) => {
      const distances = loadDistance(a, b);
      distances.forEach((distance, router) => {
        const own = (this._otherLayers[router] ??= { sum: 0, pairs: 0 });
        own.sum += distance;
        own.pairs++;
      });
      return this._meanOf(distances);
    });
    for (const kind of new Set(changed.map(own => own.kind))) {
      this._addKind(
        kind,
        text,
        original,
        shares,
        changed.filter(own => own.kind === kind)
      );
    }
  }

  /** @param kinds in the order of the result */
  effects(kinds: readonly FormatKind[]): FormatEffect[] {
    const tested = kinds.map(kind => this._difference(kind));
    const corrected = benjaminiHochberg(
      tested.flatMap(own => (own ? [own.p] : []))
    );
    let next = 0;
    return kinds.map((kind, i) =>
      this._effect(kind, tested[i] ? corrected[next++] : null)
    );
  }

  /** Between different texts as they are; null of one text. */
  get toOtherText(): Estimate | null {
    return this._others.estimate();
  }

  private _addKind(
    kind: FormatKind,
    text: number,
    original: RoutingSample,
    shares: readonly Float64Array[],
    changed: readonly ChangedText[]
  ): void {
    const own: KindTally = this._kinds.get(kind) ?? {
      texts: [],
      change: [],
      arbitrary: [],
      kept: { tokens: 0, change: [], arbitrary: [] },
      layers: this._routers.map(() => ({ change: 0, arbitrary: 0 })),
      gains: new ExpertGains(this._routers)
    };
    this._kinds.set(kind, own);
    const [variants, others] = (['variant', 'arbitrary'] as const).map(which =>
      changed.map(pair => sharesOf(pair[which]))
    );
    const [change, arbitrary] = [variants, others].map(all =>
      all.map(other => loadDistance(shares, other))
    );
    own.gains.add(variants, others);
    own.texts.push(text);
    own.change.push(mean(change.map(distances => this._meanOf(distances))));
    own.arbitrary.push(
      mean(arbitrary.map(distances => this._meanOf(distances)))
    );
    own.layers.forEach((sums, router) => {
      sums.change += mean(change.map(distances => distances[router]));
      sums.arbitrary += mean(arbitrary.map(distances => distances[router]));
    });
    const kept = changed.flatMap(other => {
      const pair = [other.variant, other.arbitrary].map(sample =>
        keptDistance(original, sample, this._chooses)
      );
      return pair[0] && pair[1] ? [[pair[0], pair[1]]] : [];
    });
    if (kept.length > 0) {
      own.kept.tokens += kept.reduce((sum, [{ tokens }]) => sum + tokens, 0);
      own.kept.change.push(mean(kept.map(([{ moved }]) => moved)));
      own.kept.arbitrary.push(mean(kept.map(([, { moved }]) => moved)));
    }
  }

  /** The mean over routers that choose, and selected something; NaN without any. */
  private _meanOf(distances: readonly number[]): number {
    return mean(
      distances.filter(
        (distance, router) => this._chooses[router] && Number.isFinite(distance)
      )
    );
  }

  /** That a format moves as much as an arbitrary change: two-sided, over texts. */
  private _difference(
    kind: FormatKind
  ): { mean: number; p: number } | undefined {
    const own = this._kinds.get(kind);
    if (!own || own.texts.length < 2) {
      return undefined;
    }
    const differences = own.change.map((value, i) => value - own.arbitrary[i]);
    const centre = mean(differences);
    const deviation = sampleDeviation(differences);
    if (Number.isNaN(centre)) {
      return undefined;
    }
    const error = deviation / Math.sqrt(differences.length);
    return {
      mean: centre,
      p:
        error === 0
          ? // Equal differences of all texts prove nothing by themselves.
            1
          : Math.min(
              1,
              2 *
                upperStudentTail(
                  Math.abs(centre) / error,
                  differences.length - 1
                )
            )
    };
  }

  private _effect(kind: FormatKind, correctedP: number | null): FormatEffect {
    const own = this._kinds.get(kind);
    const nothing = (reason: string): FormatEffect => ({
      kind,
      texts: own?.texts.length ?? 0,
      change: null,
      arbitrary: null,
      ofArbitrary: null,
      ofOtherText: null,
      kept: null,
      correctedP: null,
      verdict: 'unclear',
      reason,
      layers: [],
      experts: []
    });
    if (!own) {
      return nothing('no text is changed by it');
    }
    if (!this._chooses.includes(true)) {
      return nothing('each token selects all experts: nothing is chosen');
    }
    const { kept } = own;
    const verdict = this._verdict(kind, correctedP);
    return {
      kind,
      texts: own.texts.length,
      change: estimateOf(own.change),
      arbitrary: estimateOf(own.arbitrary),
      ofArbitrary: ratioEstimate(own.change, own.arbitrary),
      ofOtherText: this._others.ratioOf(own.texts, own.change),
      kept:
        kept.change.length === 0
          ? null
          : {
              tokens: kept.tokens,
              change: estimateOf(kept.change),
              arbitrary: estimateOf(kept.arbitrary)
            },
      correctedP,
      ...verdict,
      layers: this._layers(own),
      experts: own.gains.significant(SIGNIFICANCE, this._kinds.size)
    };
  }

  private _verdict(
    kind: FormatKind,
    correctedP: number | null
  ): { verdict: FormatVerdict; reason?: string } {
    const difference = this._difference(kind);
    if (difference === undefined || correctedP === null) {
      return {
        verdict: 'unclear',
        reason: 'cannot tell yet: one text shows no difference between texts'
      };
    }
    return correctedP < SIGNIFICANCE
      ? { verdict: difference.mean > 0 ? 'more' : 'less' }
      : {
          verdict: 'unclear',
          reason: 'the difference may be 0; more texts may tell'
        };
  }

  private _layers({ layers, texts }: KindTally): FormatLayer[] {
    return this._routers.flatMap((router, r) => {
      const other = this._otherLayers[r];
      return this._chooses[r]
        ? [
            {
              ...placeOf(router),
              change: layers[r].change / texts.length,
              arbitrary: layers[r].arbitrary / texts.length,
              toOtherText: other ? other.sum / other.pairs : null
            }
          ]
        : [];
    });
  }
}

function estimateOf(values: readonly number[]): Estimate {
  const interval = studentInterval(values);
  return {
    mean: mean(values),
    low: interval ? Math.max(0, interval.low) : null,
    high: interval ? Math.min(1, interval.high) : null
  };
}
