/** How much more an expert is selected by tokens of a class than by others. */
import type { Interval } from '../../base/statistics/intervals';
import type { TwoRates } from '../../base/statistics/rate-ratio';
import {
  classTokenRate,
  lift,
  slotShareOfExpert,
  type RouterTally
} from '../../measures';

export type Category = 'token type' | 'context' | 'position' | 'domain';

export interface EffectSize {
  /** Share of the expert's selections that are of the class. */
  slotShareOfExpert: number;
  /** Share of all tokens that are of the class: the expected share by chance. */
  tokenShareOfClass: number;
  /** Share of the class's tokens that select the expert, and of all others. */
  classTokenRate: number;
  otherTokenRate: number;
  /** slotShareOfExpert / tokenShareOfClass. */
  lift: number;
}

/** Of one expert and one class; each class of tokens gives one of every expert. */
export interface Effect extends EffectSize {
  router: RouterTally;
  expert: number;
  category: Category;
  className: string;
  /** 95 % interval of the lift; undefined where one text has the class: nobody can tell it from the text. */
  liftInterval?: Interval;
}

export function sizeOf(rates: TwoRates): EffectSize {
  const { inside, insideTokens, outside, outsideTokens } = rates;
  const share = slotShareOfExpert(inside, inside + outside);
  const tokenShareOfClass = insideTokens / (insideTokens + outsideTokens);
  return {
    slotShareOfExpert: share,
    tokenShareOfClass,
    classTokenRate: classTokenRate(inside, insideTokens),
    otherTokenRate: classTokenRate(outside, outsideTokens),
    lift: lift(share, tokenShareOfClass)
  };
}

/**
 * How much of the expert's work the class is, or how much of the class the expert's: the larger of the two shares less
 * what it is without an association.
 */
export function strengthOf(effect: EffectSize): number {
  return Math.max(
    effect.slotShareOfExpert - effect.tokenShareOfClass,
    effect.classTokenRate - effect.otherTokenRate
  );
}
