/** Roles of experts: how often a planted one is found, and how often one is found where nothing is planted. */
import { expertRoles, type ExpertRole } from '../../src/analyses/behaviour';
import { TraceEvidence } from '../../src/analyses/findings';
import { DEFAULT_THRESHOLDS } from '../../src/analyses/findings/thresholds';
import { expectSection, markdownTable } from '../page';
import {
  plantedTrace,
  type PlantedClass,
  type PlantedExpert
} from '../planted-routing';

const RATIOS = [1.2, 1.5, 2, 4, 8];
const CLASSES: PlantedClass[] = [
  'german',
  'digits',
  'eighth 8 of the sequence'
];
const LENGTH = 80;
const TEXTS = [12, 48, 192];
/** Experts, k, traces with an expert planted in each of five layers, and traces without any. */
const ROUTERS = [
  [8, 1, 8, 60],
  [32, 4, 6, 30],
  [128, 8, 4, 8]
];

const rolesOf = (
  shape: { experts: number; topK: number; texts: number; seed: number },
  planted: readonly (PlantedExpert | undefined)[]
): ExpertRole[][] => [
  ...expertRoles(
    TraceEvidence.of(plantedTrace({ ...shape, length: LENGTH, planted })),
    DEFAULT_THRESHOLDS
  ).values()
];

/** Whether an expert leans to anything, as its role or beside it. */
const leans = ({ class: name, leanings }: ExpertRole): boolean =>
  name !== undefined || leanings.length > 0;

const shareText = (part: number, all: number): string =>
  `${((100 * part) / all).toFixed(0)} %`;

const rows: string[][] = [];

describe.each(ROUTERS)('%i experts, k = %i', (experts, topK, traces, empty) => {
  it.each(TEXTS)('in %i texts', texts => {
    const shape = { experts, topK, texts };
    const found = RATIOS.map(() => 0);
    const role = RATIOS.map(() => 0);
    for (let draw = 0; draw < traces; draw++) {
      const planted = RATIOS.map((ratio, i) => ({
        expert: (3 * i + draw) % experts,
        ratio,
        className: CLASSES[(draw + i) % CLASSES.length]
      }));
      const roles = rolesOf({ ...shape, seed: 1000 * draw + texts }, planted);
      planted.forEach(({ expert, className }, i) => {
        const own = roles[i][expert];
        found[i] += [own, ...own.leanings].some(
          leaning => leaning.class === className
        )
          ? 1
          : 0;
        role[i] += own.class === className ? 1 : 0;
      });
    }
    let alarms = 0;
    for (let draw = 0; draw < empty; draw++) {
      const seed = 500_000 + 1000 * draw + texts;
      const [roles] = rolesOf({ ...shape, seed }, [undefined]);
      alarms += roles.some(leans) ? 1 : 0;
    }
    rows.push([
      `${experts}, ${topK}`,
      String(texts * LENGTH),
      ...found.map(count => shareText(count, traces)),
      `${alarms} of ${empty}`
    ]);
    expect(alarms / empty).toBeLessThanOrEqual(0.05 + 1 / empty);
    // Eight times as often is found from 12 texts on, four times from 48, and then it is the role.
    expect(found[4] / traces).toBeGreaterThanOrEqual(0.8);
    if (texts > 12) {
      expect(role[4]).toBe(traces);
      expect(found[3]).toBe(traces);
    }
    if (texts > 48) {
      expect(role[2] / traces).toBeGreaterThanOrEqual(0.9);
    }
  });
});

it('docs/analyses.md has the table', () =>
  expectSection(
    'analyses.md',
    'roles',
    `## Roles of experts

Planted: in each of five layers an expert that a class of tokens (a domain, a token type, or a position) selects 1.2 to 8
times as often as other tokens do, at most 97 % of the time. Texts have 80 tokens and four domains; the experts of a text
differ from those of others (Dirichlet, 8 an expert), and a fifth of its tokens keep the experts of the token before. Found:
\`analyze\` names the class among what the expert leans to. False alarms: traces without anything planted in which any expert
leans to anything.

${markdownTable([
  [
    'experts, k',
    'tokens',
    ...RATIOS.map(ratio => `${ratio} times`),
    'false alarms'
  ],
  ...rows
])}
`
  ));
