/** Experts and the classes of tokens that select them more than chance: what roles and specialists are found by. */
import { benjaminiHochberg } from '../../base/statistics/multiple-testing';
import type { RouterTally } from '../../measures';
import { betweenTexts, type BetweenTexts } from './between-texts';
import { strengthOf, type Effect } from './effects';
import type { Thresholds } from './thresholds';
import type { TraceEvidence } from './trace-evidence';
import { withinTexts, type WithinTexts } from './within-texts';

/**
 * How far an expert is a specialist of a class. Strong: the class makes up much of its work, or it takes much of a domain,
 * and far more than of others. Partial: it is selected by the class at a rate clearly above that of others. Slight: at a
 * rate above.
 */
export type Degree = 'strong' | 'partial' | 'slight';

/** An effect that is large enough to matter, with what shows it. */
export interface Association extends Effect {
  degree: Degree;
  /** The share that makes it strong, with its value: the larger one of a domain, which may have any share of the text. */
  metric: 'slotShareOfExpert' | 'classTokenRate';
  value: number;
  /** Under random permutation of labels over whole units, corrected for all tests. */
  correctedP: number;
  /** The units that it is tested over. */
  units: 'texts' | 'texts and tokens';
  /**
   * 'texts': more than chance among texts. 'one text': beyond all others in the only text of the domain, where each domain
   * has one. 'undecided' otherwise.
   */
  shownBy: 'texts' | 'one text' | 'undecided';
  /** Of a domain only. */
  domain?: BetweenTexts;
}

export interface Associations {
  /** Of every class and expert. */
  effects: Effect[];
  found: Association[];
}

/** A share of a class may be large only because the class is. */
const STRONG_LIFT = 2;
/** A domain may have any share of a trace: its rate is compared with that of other texts. */
const STRONG_RATIO = 2;
/** A class that is most of the text has a small lift, however rarely others select the expert. */
const PARTIAL_LIFT = 1.2;
const SLIGHT_RATIO = 1.1;

/** All effects, and those that are large enough with corrected p-values. */
export function associations(
  evidence: TraceEvidence,
  thresholds: Thresholds
): Associations {
  const within = evidence.tally.routers.flatMap(router =>
    withinTexts(evidence, router)
  );
  const between = betweenTexts(evidence, thresholds.significance);
  return {
    effects: [...within, ...between],
    found: [
      ...foundWithin(within, thresholds),
      ...between.flatMap(effect => foundBetween(effect, thresholds))
    ]
  };
}

/** What is significant over groups of texts, and over tokens where the class is of tokens. */
function foundWithin(
  effects: readonly WithinTexts[],
  thresholds: Thresholds
): Association[] {
  const shown = (
    candidates: readonly WithinTexts[],
    pOf: (effect: WithinTexts) => number
  ): { effect: WithinTexts; correctedP: number }[] => {
    const corrected = benjaminiHochberg(candidates.map(pOf), effects.length);
    return candidates
      .map((effect, i) => ({ effect, correctedP: corrected[i] }))
      .filter(({ correctedP }) => correctedP < thresholds.significance);
  };
  const overTexts = shown(
    effects.filter(effect => degreeOf(effect, thresholds) !== undefined),
    ({ p }) => p
  ).map(({ effect }) => effect);
  return shown(overTexts, ({ p, tokensP }) => Math.max(p, tokensP())).map(
    ({ effect, correctedP }) => ({
      ...effect,
      degree: degreeOf(effect, thresholds)!,
      metric: 'slotShareOfExpert',
      value: effect.slotShareOfExpert,
      correctedP,
      units: effect.category === 'position' ? 'texts' : 'texts and tokens',
      shownBy: 'texts'
    })
  );
}

function foundBetween(
  effect: BetweenTexts,
  thresholds: Thresholds
): Association[] {
  const degree = degreeOf(effect, thresholds);
  if (degree === undefined) {
    return [];
  }
  const { slotShareOfExpert: share, classTokenRate: rate } = effect;
  const shownBy =
    effect.correctedP < thresholds.significance
      ? 'texts'
      : effect.standsOut
        ? 'one text'
        : 'undecided';
  return [
    {
      ...effect,
      degree,
      // The mix of domains is chosen by who picks the texts: an expert that takes a domain is its specialist in any mix.
      ...(share >= rate
        ? { metric: 'slotShareOfExpert', value: share }
        : { metric: 'classTokenRate', value: rate }),
      units: 'texts',
      shownBy,
      domain: effect
    }
  ];
}

function degreeOf(
  effect: Effect,
  {
    specialist_threshold: share,
    partial_specialist_threshold: partial
  }: Thresholds
): Degree | undefined {
  const { slotShareOfExpert, classTokenRate, otherTokenRate } = effect;
  const ratio = classTokenRate / otherTokenRate;
  const isStrong =
    effect.category === 'domain'
      ? ratio >= STRONG_RATIO &&
        Math.max(slotShareOfExpert, classTokenRate) >= share
      : effect.lift >= STRONG_LIFT && slotShareOfExpert >= share;
  return isStrong
    ? 'strong'
    : ratio >= partial && effect.lift >= PARTIAL_LIFT
      ? 'partial'
      : ratio >= SLIGHT_RATIO
        ? 'slight'
        : undefined;
}

const ORDER: readonly Degree[] = ['strong', 'partial', 'slight'];

/** Those that are shown, by router and expert; the one that says most of an expert comes first. */
export class ShownAssociations {
  private readonly _of = new Map<RouterTally, Map<number, Association[]>>();

  constructor(found: readonly Association[]) {
    for (const item of found.filter(({ shownBy }) => shownBy !== 'undecided')) {
      const router =
        this._of.get(item.router) ?? new Map<number, Association[]>();
      this._of.set(item.router, router);
      const own = router.get(item.expert) ?? [];
      router.set(item.expert, own);
      own.push(item);
    }
    for (const router of this._of.values()) {
      for (const own of router.values()) {
        own.sort(
          (a, b) =>
            ORDER.indexOf(a.degree) - ORDER.indexOf(b.degree) ||
            strengthOf(b) - strengthOf(a)
        );
      }
    }
  }

  of(router: RouterTally, expert: number): readonly Association[] {
    return this._of.get(router)?.get(expert) ?? [];
  }
}
