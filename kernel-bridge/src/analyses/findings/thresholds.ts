/** Thresholds of `diagnose`. The first three keep the names and values of the projects that this one grew from. */
import { MoEDebuggerError } from '../../base/errors';
import { METRICS, type MetricName } from '../../measures';

/** A limit for a metric that decides a finding. */
interface Threshold {
  metric: MetricName;
  initial: number;
  /** What the limit decides. */
  text: string;
}

export const THRESHOLDS = {
  dead_expert_threshold: {
    metric: 'balancedLoad',
    initial: 10,
    text: 'Selections that balance would have given an expert, below which its absence means nothing.'
  },
  load_balance_threshold: {
    metric: 'jain',
    initial: 0.8,
    text: 'A layer below this is out of balance.'
  },
  routing_confidence_threshold: {
    metric: 'decisiveTokenRate',
    initial: 0.5,
    text: 'A layer is indecisive when fewer than this share of its tokens are routed decisively.'
  },
  cold_expert_threshold: {
    metric: 'tokenRate',
    initial: 0.01,
    text: 'An expert below this is cold; never more than a tenth of what balance gives it.'
  },
  collapse_threshold: {
    metric: 'firstChoiceTokenRate',
    initial: 0.95,
    text: 'A router whose choices are the same for at least this share of tokens is collapsed.'
  },
  duplicate_similarity_threshold: {
    metric: 'cosine',
    initial: 0.95,
    text: 'Experts whose weights or outputs have at least this cosine are near duplicates.'
  },
  specialist_threshold: {
    metric: 'slotShareOfExpert',
    initial: 0.5,
    text: 'An expert is a specialist when at least this share of its selections is of one class of tokens.'
  },
  partial_specialist_threshold: {
    metric: 'rateRatio',
    initial: 1.5,
    text: 'An expert is a partial specialist of a class that selects it at this many times the rate of other tokens.'
  },
  significance: {
    metric: 'correctedP',
    initial: 0.05,
    text: 'Corrected p-values below this count.'
  },
  capacity_drop_threshold: {
    metric: 'droppedSlotRate',
    initial: 0.01,
    text: 'More slots dropped over capacity than this share are a warning.'
  },
  drift_threshold: {
    metric: 'totalVariation',
    initial: 0.1,
    text: 'Slot shares that moved by at least this have drifted, or changed within a trace.'
  }
} satisfies Record<string, Threshold>;

/** docs/measures.md describes each. */
export type Thresholds = { [Name in keyof typeof THRESHOLDS]: number };

export const DEFAULT_THRESHOLDS = Object.fromEntries(
  Object.entries(THRESHOLDS).map(([name, { initial }]) => [name, initial])
) as Readonly<Thresholds>;

/** @throws MoEDebuggerError 'input' naming a setting that does not exist, or a value that cannot be meant */
export function resolveThresholds(given: Partial<Thresholds> = {}): Thresholds {
  for (const [name, value] of Object.entries(given)) {
    if (!Object.hasOwn(THRESHOLDS, name)) {
      throw new MoEDebuggerError('input', `there is no threshold ${name}`, {
        hint: `use one of ${Object.keys(THRESHOLDS).join(', ')}`
      });
    }
    const { metric } = THRESHOLDS[name as keyof Thresholds];
    const [, largest] = METRICS[metric].range;
    if (!(typeof value === 'number' && value >= 0 && value <= largest)) {
      throw new MoEDebuggerError(
        'input',
        `${name} cannot be ${String(value)}`,
        {
          hint: largest === 1 ? 'give a share from 0 to 1' : 'give 0 or more'
        }
      );
    }
  }
  return { ...DEFAULT_THRESHOLDS, ...given };
}
