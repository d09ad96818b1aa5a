/** Which experts change a criterion more than as many tokens of other experts of their router do. */
import type { CausalityRow } from '../../base/protocol';
import { studentInterval } from '../../base/statistics/intervals';
import {
  benjaminiHochberg,
  holm
} from '../../base/statistics/multiple-testing';
import { randomNumbers } from '../../base/statistics/random';
import {
  studentOfNormal,
  upperStudentQuantile
} from '../../base/statistics/student-t';
import { mean } from '../../base/statistics/summary';
import { Excess, type Compared } from './excess';
import { ExchangedControls } from './exchanged-controls';

/** The effect of ablating an expert in a prompt. */
export interface Observation {
  prompt: number;
  router: number;
  expert: number;
  /** Tokens that select the expert. */
  load: number;
  /** Criterion, ablated minus original. */
  change: number;
  /** Undefined where nothing is like it. */
  control?: Control;
}

/** What as many tokens of other experts of the router change. */
export interface Control {
  /** Criterion, ablated minus original, for as much routing weight as the expert has. */
  change: number;
  /** Routing weight that was ablated, divided by the expert's. */
  weight: number;
}

export type TestedExpert = Omit<CausalityRow, 'layer' | 'stack' | 'module'> & {
  router: number;
};

export interface TestedExperts {
  rows: TestedExpert[];
  /** Experts that could be compared. */
  tests: number;
  draws: number;
}

export interface TestOptions {
  alpha: number;
  /** Random exchanges; by default as many as the number of tests takes. */
  draws?: number;
  seed: number;
}

export const MAX_DRAWS = 1e6;
const LEAST_DRAWS = 9999;
/** Draws for each test at the level of a single finding among them. */
const DRAWS_PER_TEST = 40;
/** Probability with which an effect of the size `detectable` is found. */
export const POWER = 0.8;

/** All observations of an expert. */
interface Expert {
  own: Observation[];
  /** Those with a control: where a token selects the expert. */
  compared: Compared[];
}

/** @param prompts number of all prompts */
export function testExperts(
  observations: readonly Observation[],
  prompts: number,
  { alpha, draws: given, seed }: TestOptions
): TestedExperts {
  const experts = expertsOf(observations);
  // The routing decides which experts can be tested, not the change of the criterion, so the others need no correction.
  const tested = experts.filter(({ compared }) => compared.length > 1);
  const tests = tested.length;
  const draws =
    given ??
    Math.min(
      MAX_DRAWS,
      Math.max(LEAST_DRAWS, Math.ceil((DRAWS_PER_TEST * tests) / alpha))
    );
  const exchanged = new ExchangedControls(
    tested.map(({ compared }) => compared),
    draws,
    randomNumbers(seed)
  );
  const excesses = tested.map(({ compared }) => Excess.of(compared));
  const p = excesses.map(({ score }) => exchanged.p(score));
  const adjusted = benjaminiHochberg(p);
  const familywise = holm(p);
  const found = adjusted.filter(value => value <= alpha).length;
  // At this level intervals are above 0 exactly where the expert is causal, and of the causal ones' a share alpha is expected
  // to miss the true value (Benjamini and Yekutieli 2005, JASA 100).
  const level = (Math.max(1, found) * alpha) / tests;
  const rows = new Map(
    tested.map((expert, i) => {
      const excess = excesses[i];
      const causal = adjusted[i] <= alpha;
      // Of the exchanges, one leaves all prompts as they are, so an expert meets its own score in them.
      const own = 2 ** -excess.prompts;
      return [
        expert,
        {
          // Where no token selects the expert nothing changes, so the mean over all prompts is smaller by this share.
          ...sizes(excess, excess.prompts / prompts, {
            bound: exchanged.critical(level),
            alone: exchanged.critical((alpha - own) / tests),
            causal
          }),
          p: p[i],
          smallestP: Math.max(1 / (draws + 1), own / tests),
          pAdjusted: adjusted[i],
          pFamilywise: familywise[i],
          causal
        }
      ];
    })
  );
  return {
    rows: experts.map(expert => ({
      ...described(expert, prompts, alpha),
      ...(rows.get(expert) ?? UNTESTED)
    })),
    tests,
    draws
  };
}

const UNTESTED = {
  excess: null,
  interval: null,
  detectable: null,
  p: 1,
  smallestP: 1,
  pAdjusted: 1,
  pFamilywise: 1,
  causal: false
};

/**
 * The excess with its interval.
 *
 * @param scores which the interval ends at, and which an expert needs that is found alone; undefined: too few draws
 */
function sizes(
  excess: Excess,
  share: number,
  scores: { bound?: number; alone?: number; causal: boolean }
): Pick<TestedExpert, 'excess' | 'interval' | 'detectable'> {
  const { bound, alone, causal } = scores;
  const { value, error, prompts } = excess;
  let interval: [number, number] | null = null;
  if (bound !== undefined) {
    const [low, high] = excess.interval(bound);
    // Without spread the interval is a point, and cannot say that the p-value is not small enough.
    interval = [share * (causal ? low : Math.min(low, 0)), share * high];
  }
  return {
    excess: share * value,
    interval,
    detectable:
      alone === undefined || error === 0
        ? null
        : share *
          error *
          (studentOfNormal(alone, prompts - 1) +
            upperStudentQuantile(1 - POWER, prompts - 1))
  };
}

function described(
  { own, compared }: Expert,
  prompts: number,
  alpha: number
): Omit<TestedExpert, keyof typeof UNTESTED> {
  const [{ router, expert }] = own;
  const load = own.reduce((sum, one) => sum + one.load, 0);
  const changes = own.map(({ change }) => change);
  const total = changes.reduce((sum, change) => sum + change, 0);
  const interval = studentInterval(changes, 1 - alpha);
  const matched = compared.reduce((sum, one) => sum + one.matched, 0) / prompts;
  const weights = own.flatMap(({ control }) => control?.weight ?? []);
  return {
    router,
    expert,
    load,
    prompts: own.filter(one => one.load > 0).length,
    compared: compared.length,
    change: total / prompts,
    changeInterval: interval ? [interval.low, interval.high] : null,
    changePerToken: load > 0 ? total / load : null,
    matchedChange: compared.length > 0 ? matched : null,
    nullChange: compared.length > 0 ? Math.abs(matched) : 0,
    matchedWeight: weights.length > 0 ? mean(weights) : null
  };
}

function expertsOf(observations: readonly Observation[]): Expert[] {
  const experts = new Map<string, Observation[]>();
  for (const one of observations) {
    const key = `${one.router}/${one.expert}`;
    const own = experts.get(key);
    if (own) {
      own.push(one);
    } else {
      experts.set(key, [one]);
    }
  }
  return [...experts.values()].map(own => ({
    own,
    compared: own.filter(isCompared).map(comparedOf)
  }));
}

type WithControl = Observation & { control: Control };

const isCompared = (one: Observation): one is WithControl =>
  one.load > 0 && one.control !== undefined;

const comparedOf = ({ change, control }: WithControl): Compared => ({
  change,
  matched: control.change
});
