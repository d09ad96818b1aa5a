/** What each expert is for, from how broadly it is selected over classes of tokens, with the evidence for it. */
import { entropy } from '../../base/statistics/entropy';
import { counted } from '../../base/protocol';
import { upperBound, type RouterTally } from '../../measures';
import {
  associations,
  ShownAssociations,
  type Association,
  type Degree
} from './associations';
import { undecidedText } from './between-texts';
import { strengthOf, type Category, type Effect } from './effects';
import type { TokenEvidence } from './finding';
import type { Thresholds } from './thresholds';
import { topTokens } from './top-tokens';
import type { TraceEvidence } from './trace-evidence';

/**
 * A specialist is selected by tokens of a class (a type, a type of the token before, a domain) more than by others, a
 * positional expert by tokens at a position; how far says the degree. A rare expert has few tokens. A generalist is shown
 * to have no class that it could be a strong specialist of. Of the rest these texts do not tell.
 */
export type Role =
  'specialist' | 'positional' | 'rare' | 'generalist' | 'unclear';

/** A class that selects an expert more than other tokens do. */
export interface Leaning {
  degree: Degree;
  category: Category;
  class: string;
  /** Share of the expert's selections that are of the class, and of all tokens: what chance would give. */
  slotShareOfExpert: number;
  tokenShareOfClass: number;
  /** Share of the class's tokens that select the expert, and of all others; balance would give k / E. */
  classTokenRate: number;
  otherTokenRate: number;
  /** slotShareOfExpert / tokenShareOfClass, with its 95 % interval; null of one text. */
  lift: number;
  liftInterval: [number, number] | null;
  /** Corrected for all experts and classes; null of one text. */
  correctedP: number | null;
  /** Whether texts of the class show it, or only one text that nobody can tell from its domain. */
  shownBy: 'texts' | 'one text';
}

export interface ExpertRole extends Partial<Leaning> {
  expert: number;
  role: Role;
  /** The tokens that select it most often. */
  tokens: TokenEvidence[];
  /** Other classes that select it more than other tokens do, those that say most of it first. */
  leanings: Leaning[];
  /** By category: the effective share of its classes that it serves, exp(entropy of its rates) / classes; 1 at balance. */
  breadth: Partial<Record<Category, number>>;
  /** Of an unclear role: what cannot be told. */
  reason?: string;
}

/** Experts with at most this part of a balanced expert's tokens are rare. */
const RARE_PART = 0.25;
/** An expert whose lift may be this large for a class is not shown to be a generalist. */
const GENERALIST_LIFT = 2;
/** Of smaller classes, whose lifts are uncertain, a generalist may have any share. */
const MAIN_SHARE = 0.05;
const TOKENS = 5;
const LEANINGS = 5;

/** Roles of all experts, by router. */
export function expertRoles(
  evidence: TraceEvidence,
  thresholds: Thresholds
): Map<RouterTally, ExpertRole[]> {
  const { effects, found } = associations(evidence, thresholds);
  const shown = new ShownAssociations(found);
  const undecided = undecidedDomains(found);
  const ofRouter = byRouter(effects);
  return new Map(
    evidence.tally.routers.map(router => {
      const tokens = topTokens(evidence, router, TOKENS);
      const own = ofRouter.get(router) ?? [];
      return [
        router,
        Array.from(router.counts, (_, expert): ExpertRole => {
          const mine = own[expert] ?? [];
          const all = shown.of(router, expert).map(leaning);
          const [best, ...rest] = all;
          const isSpecial = best !== undefined && best.degree !== 'slight';
          return {
            expert,
            ...(isSpecial
              ? {
                  role:
                    best.category === 'position' ? 'positional' : 'specialist',
                  ...best
                }
              : plainRole(
                  evidence,
                  router,
                  mine,
                  expert,
                  undecided.get(router)?.get(expert)
                )),
            tokens: tokens[expert],
            leanings: (isSpecial ? rest : all).slice(0, LEANINGS),
            breadth: breadthOf(mine)
          };
        })
      ];
    })
  );
}

function leaning({
  degree,
  category,
  className,
  slotShareOfExpert,
  tokenShareOfClass,
  classTokenRate,
  otherTokenRate,
  lift,
  liftInterval,
  correctedP,
  shownBy
}: Association): Leaning {
  return {
    degree,
    category,
    class: className,
    slotShareOfExpert,
    tokenShareOfClass,
    classTokenRate,
    otherTokenRate,
    lift,
    liftInterval: liftInterval ? [liftInterval.low, liftInterval.high] : null,
    correctedP: shownBy === 'texts' ? correctedP : null,
    shownBy: shownBy as Leaning['shownBy']
  };
}

/** The role of an expert that no class is shown to select clearly more. */
function plainRole(
  evidence: TraceEvidence,
  router: RouterTally,
  effects: readonly Effect[],
  expert: number,
  candidate: Association | undefined
): Pick<ExpertRole, 'role' | 'reason'> {
  const { experts, topK } = router.router;
  const unclear = (reason: string): Pick<ExpertRole, 'role' | 'reason'> => ({
    role: 'unclear',
    reason
  });
  if (topK === experts) {
    return unclear('each token selects all experts: nothing is chosen');
  }
  const bound = upperBound(
    router.effectiveCounts[expert],
    router.effectiveTokens
  );
  if (bound < (RARE_PART * topK) / experts) {
    return { role: 'rare' };
  }
  const main = effects.filter(effect => effect.tokenShareOfClass >= MAIN_SHARE);
  if (main.length === 0) {
    return unclear(
      'no class of its tokens is known: their texts and domains are unknown, and sequences are too short for positions'
    );
  }
  if (candidate?.domain) {
    return unclear(`cannot tell yet: ${undecidedText(candidate.domain)}`);
  }
  const told = main.filter(effect => effect.liftInterval !== undefined);
  if (told.length === 0) {
    const texts = evidence.texts.isNew.filter(Boolean).length;
    return unclear(
      `cannot tell yet: ${counted(texts, 'text')} that ${texts === 1 ? 'repeats' : 'repeat'} no other; a class is told from a text by two at least`
    );
  }
  const widest = told.reduce((a, b) =>
    b.liftInterval!.high > a.liftInterval!.high ? b : a
  );
  return widest.liftInterval!.high < GENERALIST_LIFT
    ? { role: 'generalist' }
    : unclear(
        `cannot tell yet: the lift of ${widest.category} "${widest.className}" may be up to ${widest.liftInterval!.high.toFixed(1)} (95 %), which more text of it would tell`
      );
}

/** By router and expert: the strongest domain that these texts do not decide. */
function undecidedDomains(
  found: readonly Association[]
): Map<RouterTally, Map<number, Association>> {
  const best = new Map<RouterTally, Map<number, Association>>();
  for (const item of found) {
    const own = best.get(item.router) ?? new Map<number, Association>();
    best.set(item.router, own);
    const known = own.get(item.expert);
    if (
      item.shownBy === 'undecided' &&
      item.degree === 'strong' &&
      (!known || strengthOf(item) > strengthOf(known))
    ) {
      own.set(item.expert, item);
    }
  }
  return best;
}

function breadthOf(effects: readonly Effect[]): ExpertRole['breadth'] {
  const rates = new Map<Category, number[]>();
  for (const { category, classTokenRate } of effects) {
    const own = rates.get(category) ?? [];
    rates.set(category, own);
    own.push(classTokenRate);
  }
  return Object.fromEntries(
    [...rates]
      .map(([category, own]): [Category, number] => [
        category,
        Math.exp(entropy(own)) / own.length
      ])
      .filter(([, breadth]) => !Number.isNaN(breadth))
  );
}

/** Effects by router and expert. */
function byRouter(effects: readonly Effect[]): Map<RouterTally, Effect[][]> {
  const all = new Map<RouterTally, Effect[][]>();
  for (const effect of effects) {
    const own = all.get(effect.router) ?? [];
    all.set(effect.router, own);
    (own[effect.expert] ??= []).push(effect);
  }
  return all;
}
