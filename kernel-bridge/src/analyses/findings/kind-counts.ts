/** Counts a router's selections by kind of token in groups of texts, for comparisons within texts. */
import { addTo } from '../../measures/vectors';
import type { TwoRates } from '../../base/statistics/rate-ratio';

/** Each text is a group of its own; further texts join the groups in turn. */
export const MAX_TEXT_GROUPS = 32;

export class KindCounts {
  /** Each [experts], by kind and group; missing where there are none. */
  private readonly _counts: Uint32Array[][] = [];
  /** By kind and group. */
  private readonly _tokens: number[][] = [];

  constructor(readonly experts: number) {}

  /**
   * @param kinds [tokens]: kind of each token; negative ones are not counted
   * @param selected [tokens, topK]
   */
  add(
    group: number,
    kinds: Int32Array,
    selected: Int32Array,
    topK: number
  ): void {
    for (let t = 0; t < kinds.length; t++) {
      const kind = kinds[t];
      if (kind < 0) {
        continue;
      }
      const counts = this._of(kind, group);
      this._tokens[kind][group]++;
      for (let slot = t * topK; slot < (t + 1) * topK; slot++) {
        if (selected[slot] >= 0) {
          counts[selected[slot]]++;
        }
      }
    }
  }

  /**
   * The selections of a class and of all other tokens, by group.
   * @param isInside by kind
   */
  compare(isInside: (kind: number) => boolean): ClassGroups {
    const groups: ClassGroup[] = [];
    for (let group = 0; group < MAX_TEXT_GROUPS; group++) {
      const own: ClassGroup = {
        inside: new Float64Array(this.experts),
        insideTokens: 0,
        outside: new Float64Array(this.experts),
        outsideTokens: 0
      };
      this._counts.forEach((ofKind, kind) => {
        const counts = ofKind[group];
        if (counts === undefined) {
          return;
        }
        const tokens = this._tokens[kind][group];
        if (isInside(kind)) {
          addTo(own.inside, counts);
          own.insideTokens += tokens;
        } else {
          addTo(own.outside, counts);
          own.outsideTokens += tokens;
        }
      });
      if (own.insideTokens + own.outsideTokens > 0) {
        groups.push(own);
      }
    }
    return new ClassGroups(groups);
  }

  private _of(kind: number, group: number): Uint32Array {
    const counts = (this._counts[kind] ??= []);
    if (!counts[group]) {
      counts[group] = new Uint32Array(this.experts);
      (this._tokens[kind] ??= [])[group] = 0;
    }
    return counts[group];
  }
}

/** Selections, [experts], and tokens of a class and of all others in a group of texts. */
interface ClassGroup {
  inside: Float64Array;
  insideTokens: number;
  outside: Float64Array;
  outsideTokens: number;
}

/** A class of tokens against all others, in groups of texts. */
export class ClassGroups {
  readonly insideTokens: number;
  readonly outsideTokens: number;
  /** Groups with tokens of the class. */
  readonly withClass: number;

  constructor(readonly groups: readonly ClassGroup[]) {
    this.insideTokens = groups.reduce((sum, own) => sum + own.insideTokens, 0);
    this.outsideTokens = groups.reduce(
      (sum, own) => sum + own.outsideTokens,
      0
    );
    this.withClass = groups.filter(own => own.insideTokens > 0).length;
  }

  of(expert: number): TwoRates[] {
    return this.groups.map(own => ({
      inside: own.inside[expert],
      insideTokens: own.insideTokens,
      outside: own.outside[expert],
      outsideTokens: own.outsideTokens
    }));
  }
}
