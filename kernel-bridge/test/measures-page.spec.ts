/** docs/measures.md is written from the tables of metrics and thresholds. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { THRESHOLDS } from '../src/analyses/findings/thresholds';
import {
  EXPERT_METRICS,
  LAYER_METRICS,
  METRICS,
  OTHER_METRICS,
  PAIR_METRICS,
  type Metric,
  type MetricName
} from '../src/measures';
import * as measures from '../src/measures';
import { expectPage, markdownTable } from './page';
import { REPOSITORY } from './zoo';

const HEAD = `# Measures

Written by \`npm run pages\` from the tables in \`kernel-bridge/src/measures\`; do not edit. CONTRIBUTING says how to add one.

T tokens, E experts, k of them selected a token. c: tokens that selected an expert; f: its slot share; a: its token rate;
g: a weight that the router gave; z: a router logit; p: the router's probability, over all experts; H: the entropy of p;
N(i, j): tokens that selected both i and j. Sums and means are over the experts of a layer unless said otherwise. Experts of
different layers are never merged.

**slotShare** is c over all selections (1 in all), **tokenRate** c over tokens (k in all); no figure mixes them. A range is
that of finite input; where there is nothing to measure a value is NaN, in JSON null. "needs" is what a trace, or a model,
must hold.
`;

const GROUPS: [string, string, Record<string, Metric<unknown>>][] = [
  [
    'Of a layer',
    'One number a layer. `metrics.layerMetrics(tally)` has them, and so have the layers of `diagnose` and `analyze`.',
    LAYER_METRICS
  ],
  [
    'Of an expert',
    'One number an expert. `metrics.layerMetrics(tally)` has them, and so has `analyze`; `diagnose` has the first two.',
    EXPERT_METRICS
  ],
  ['Of two experts', 'Functions in `metrics`.', PAIR_METRICS],
  [
    'Of texts, traces and what experts compute',
    'Functions in `metrics`.',
    OTHER_METRICS
  ]
];

/** No `|` may end a cell of a table, not even in code. */
const code = (text: string): string => `\`${text.replaceAll('|', '\\|')}\``;
const bound = (value: number): string =>
  Math.abs(value) === Infinity ? (value < 0 ? '-∞' : '∞') : String(value);

function metricTable(table: Record<string, Metric<unknown>>): string {
  const rows = Object.entries(table);
  const callable = rows.some(([, { compute }]) => functionName(compute) !== '');
  return markdownTable([
    [
      'name',
      ...(callable ? ['function'] : []),
      'what',
      'formula',
      'unit',
      'range',
      'better',
      'needs',
      'source'
    ],
    ...rows.map(([name, metric]) => [
      code(name),
      ...(callable ? [code(functionName(metric.compute))] : []),
      metric.title.replaceAll('|', '\\|'),
      code(metric.formula),
      metric.unit,
      metric.range.map(bound).join(' to '),
      metric.better ?? '',
      metric.needs.join(', '),
      metric.source ?? 'definition'
    ])
  ]);
}

/** Of what is exported; the others are computed from a tally, in place. */
function functionName(compute: unknown): string {
  return (
    Object.entries(measures).find(
      ([, exported]) => exported === compute
    )?.[0] ?? ''
  );
}

function page(): string {
  return [
    HEAD,
    ...GROUPS.map(
      ([title, text, table]) =>
        `## ${title}\n\n${text}\n\n${metricTable(table)}\n`
    ),
    `## Thresholds\n\nSettings of \`diagnose\` and of a session: \`--threshold NAME=VALUE\`, or \`{ thresholds: { NAME: value } }\`. [diagnose.md](diagnose.md)\ntells which finding has which.\n\n${markdownTable(
      [
        ['setting', 'default', 'of', 'what it decides'],
        ...Object.entries(THRESHOLDS).map(
          ([name, { metric, initial, text }]) => [
            code(name),
            String(initial),
            code(metric),
            text
          ]
        )
      ]
    )}\n`
  ].join('\n');
}

it('is up to date', () => expectPage('measures.md', page()));

it('has a title, a formula and a range for every metric, each under one name', () => {
  const rows = GROUPS.flatMap(([, , table]) => Object.entries(table));
  expect(rows.length).toBe(Object.keys(METRICS).length);
  expect(
    rows.filter(
      ([
        ,
        {
          title,
          formula,
          range: [least, largest]
        }
      ]) => !title || !formula || !(least < largest)
    )
  ).toEqual([]);
});

it('agrees with the thresholds that docs/diagnose.md tells', () => {
  const text = readFileSync(join(REPOSITORY, 'docs/diagnose.md'), 'utf8');
  const told = [...text.matchAll(/`(\w+_threshold)` \(([\d.]+)\)/g)].map(
    ([, name, value]) => [name, Number(value)]
  );
  const defaults = Object.entries(THRESHOLDS)
    .filter(([name]) => name.endsWith('_threshold'))
    .map(([name, { initial }]) => [name, initial]);
  expect(new Map(told as [string, number][])).toEqual(
    new Map(defaults as [string, number][])
  );
});

it.each(Object.entries(THRESHOLDS))('%s lies within its metric', (_, own) => {
  const [least, largest] = METRICS[own.metric as MetricName].range;
  expect(own.initial).toBeGreaterThanOrEqual(least);
  expect(own.initial).toBeLessThanOrEqual(largest);
});
