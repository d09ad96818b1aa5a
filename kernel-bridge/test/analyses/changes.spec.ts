/** Changes over time: how often planted ones are found, where, and how often one is found where nothing changes. */
import { changesOverTime } from '../../src/analyses/findings/changes/change-findings';
import {
  forecast,
  type Forecast
} from '../../src/analyses/findings/changes/forecast';
import { findChanges } from '../../src/analyses/findings/changes/find-changes';
import { seriesOf } from '../../src/analyses/findings/changes/series';
import { DEFAULT_THRESHOLDS } from '../../src/analyses/findings/thresholds';
import type { Finding } from '../../src/analyses/findings';
import { slotShares, tallyTrace } from '../../src/measures';
import { driftingTrace, type DriftingTrace } from '../drifting-routing';
import { expectSection, markdownTable } from '../page';

/** What is traced, stationary traces, and traces with each planted change. */
const SHAPES: [string, Omit<DriftingTrace, 'seed'>, number, number][] = [
  [
    '40 texts of 80 tokens, 8 experts, k = 2',
    { experts: 8, topK: 2, texts: 40, length: 80 },
    150,
    20
  ],
  [
    '80 texts that differ more (2 an expert), 8 experts, k = 1',
    { experts: 8, topK: 1, texts: 80, length: 80, concentration: 2 },
    100,
    20
  ],
  [
    '200 texts of 60 tokens, 8 experts, k = 2',
    { experts: 8, topK: 2, texts: 200, length: 60 },
    60,
    10
  ],
  [
    '60 texts of 60 tokens, 64 experts, k = 4',
    { experts: 64, topK: 4, texts: 60, length: 60 },
    40,
    10
  ],
  [
    'one text of 16,384 tokens, 8 experts, k = 2',
    { experts: 8, topK: 2, texts: 1, length: 16_384 },
    50,
    20
  ],
  [
    '24 texts, half of the tokens kept, 8 experts, k = 2',
    { experts: 8, topK: 2, texts: 24, length: 80, kept: 0.5 },
    100,
    20
  ]
];

/** By the part of the trace that has passed: from its start on, and where it lies. */
const PLANTED = {
  'change-point': {
    moved: (time: number) => (time >= 0.6 ? 1 : 0),
    from: 0.6,
    to: 1
  },
  anomaly: {
    moved: (time: number) => (time >= 0.25 && time < 0.5 ? 1 : 0),
    from: 0.25,
    to: 0.5
  },
  trend: { moved: (time: number) => time, from: 0, to: 1 }
};

const changesIn = (trace: DriftingTrace): Finding[] =>
  changesOverTime(
    tallyTrace({ samples: driftingTrace(trace) }),
    DEFAULT_THRESHOLDS
  );

/** Where a finding lies, in parts of the trace. */
function placeOf(
  { kind, evidence }: Finding,
  tokens: number
): [number, number] {
  const own = evidence as {
    atToken: number;
    stretches: { fromToken: number; toToken: number }[];
  };
  return kind === 'change-point'
    ? [own.atToken / tokens, 1]
    : kind === 'anomaly'
      ? [own.stretches[0].fromToken / tokens, own.stretches[0].toToken / tokens]
      : [0, 1];
}

const percent = (part: number, all: number): string =>
  `${((100 * part) / all).toFixed(0)} %`;
const rows: string[][] = [];
let stationary = 0;
let alarms = 0;

describe.each(SHAPES)('%s', (name, shape, still, draws) => {
  it('has what was planted, and nothing where nothing was', () => {
    let alarmed = 0;
    for (let seed = 0; seed < still; seed++) {
      alarmed += changesIn({ ...shape, seed }).length > 0 ? 1 : 0;
    }
    stationary += still;
    alarms += alarmed;
    const tokens = shape.texts * shape.length;
    const row = 1 / Math.min(shape.texts, 32);
    const cells = Object.entries(PLANTED).map(([kind, { moved, from, to }]) => {
      let [found, exact] = [0, 0];
      for (let seed = 0; seed < draws; seed++) {
        const all = changesIn({ ...shape, seed: 10_000 + seed, moved });
        const own = all.find(finding => finding.kind === kind);
        found += own ? 1 : 0;
        if (own && all.length === 1) {
          const at = placeOf(own, tokens);
          exact +=
            Math.abs(at[0] - from) <= row && Math.abs(at[1] - to) <= row
              ? 1
              : 0;
        }
      }
      expect(found / draws).toBeGreaterThanOrEqual(0.95);
      expect(exact / draws).toBeGreaterThanOrEqual(0.85);
      return `${percent(found, draws)}, ${percent(exact, draws)}`;
    });
    rows.push([name, ...cells, `${alarmed} of ${still}`]);
  });
});

it('has alarms in at most 1 % of 500 stationary traces', () => {
  expect(stationary).toBe(500);
  expect(alarms / stationary).toBeLessThanOrEqual(0.01);
});

interface Coverage {
  /** Forecasts that rest on what is planted. */
  fitting: number;
  /** Intervals of these, and those that held what came. */
  intervals: number;
  held: number;
}

/** Forecasts 10 texts from the 40 before. */
function coverage(
  moved: (time: number) => number,
  basis: Forecast['basis'],
  draws: number
): Coverage {
  const result = { fitting: 0, intervals: 0, held: 0 };
  for (let seed = 0; seed < draws; seed++) {
    const samples = driftingTrace({
      experts: 8,
      topK: 2,
      texts: 50,
      length: 150,
      seed: 90_000 + seed,
      moved
    });
    const [past] = tallyTrace({ samples: samples.slice(0, 40) }).routers;
    const [next] = tallyTrace({ samples: samples.slice(40) }).routers;
    const series = seriesOf(past)!;
    const told = forecast(
      series,
      findChanges(series.rows, 0.005),
      2
    ) as Forecast;
    if (told.basis === basis && told.nextTokens === 1500) {
      result.fitting++;
      slotShares(next.counts).forEach((share, e) => {
        result.intervals++;
        result.held += told.low[e] <= share && share <= told.high[e] ? 1 : 0;
      });
    }
  }
  return result;
}

const FORECASTS = 40;
const forecasts: string[][] = [];

it.each<[string, (time: number) => number, Forecast['basis']]>([
  ['nothing changes', () => 0, 'mean'],
  ['a trend goes on', time => time, 'trend']
])('forecasts what comes where %s', (name, moved, basis) => {
  const { fitting, intervals, held } = coverage(moved, basis, FORECASTS);
  expect(fitting / FORECASTS).toBeGreaterThanOrEqual(0.9);
  expect(held / intervals).toBeGreaterThan(0.91);
  expect(held / intervals).toBeLessThan(0.995);
  forecasts.push([
    name,
    `the ${basis} in ${percent(fitting, FORECASTS)}`,
    percent(held, intervals)
  ]);
});

it('docs/analyses.md has the tables', () =>
  expectSection(
    'analyses.md',
    'changes',
    `## Changes over time

Planted: 40 % of first choices move to half of the experts: at one point (0.6 of the trace), in a stretch (0.25 to 0.5), or
steadily. Texts differ (Dirichlet, 8 an expert unless said otherwise), and 30 % of tokens keep the experts of the token
before. The first figure is how often the kind of change was found, the second how often it was the only finding and stood at
its place, to one text (or a 32nd of the trace). False alarms: stationary traces with any finding; ${alarms} of all ${stationary}.

${markdownTable([['trace', 'change point', 'stretch', 'trend', 'false alarms'], ...rows])}

Forecasts of the slot shares of the next 10 texts from 40, 8 experts, k = 2; how often the 95 % intervals then held them:

${markdownTable([['what happens', 'rests on', 'held'], ...forecasts])}
`
  ));
