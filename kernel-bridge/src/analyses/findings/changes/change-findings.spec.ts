/** Changes over time: what a finding says, and what cannot be told. */
import { driftingTrace } from '../../../../test/drifting-routing';
import { samplesOf } from '../../../../test/made-samples';
import type { RoutingSample } from '../../../base/protocol';
import { analyze } from '../../behaviour';
import { diagnose } from '../diagnose';
import type { Finding } from '../finding';

const IN_TIME = ['anomaly', 'change-point', 'trend'];
const shape = { experts: 8, topK: 2, texts: 60, length: 50, seed: 5 };
const changes = (samples: RoutingSample[]): Finding[] =>
  diagnose({ samples }).findings.filter(({ kind }) => IN_TIME.includes(kind));

it('names the token from which the load has moved, and the experts', () => {
  const samples = driftingTrace({
    ...shape,
    moved: time => (time >= 0.5 ? 1 : 0)
  });
  const [found, ...more] = changes(samples);
  expect(more).toEqual([]);
  expect(found).toMatchObject({
    kind: 'change-point',
    severity: 'info',
    metric: 'totalVariation',
    evidence: { atToken: 1500, unit: 'texts', rows: 60, textsPerRow: 1 }
  });
  // Counted: half the absolute differences of slot shares before and after.
  const shares = [0, 1].map(part =>
    Array.from(
      { length: 8 },
      (_, e) =>
        samples
          .slice(30 * part, 30 * part + 30)
          .flatMap(({ layers }) => [...layers[0].selected])
          .filter(expert => expert === e).length / 3000
    )
  );
  const moved = shares[0].map((share, e) => shares[1][e] - share);
  expect(found.value).toBeCloseTo(
    moved.reduce((sum, own) => sum + Math.abs(own), 0) / 2,
    9
  );
  const { expert, slotShareChange } = (
    found.evidence.changes as { expert: number; slotShareChange: number }[]
  )[0];
  expect(slotShareChange).toBeCloseTo(moved[expert], 9);
  expect(Math.abs(moved[expert])).toBe(Math.max(...moved.map(Math.abs)));
});

it('finds two stretches apart, and no third beside them', () => {
  const found = changes(
    driftingTrace({
      ...shape,
      texts: 80,
      moved: time =>
        (time >= 0.25 && time < 0.35) || (time >= 0.7 && time < 0.8) ? 1 : 0
    })
  );
  expect(found).toMatchObject([
    {
      kind: 'anomaly',
      evidence: {
        stretches: [
          { fromToken: 1000, toToken: 1400 },
          { fromToken: 2800, toToken: 3200 }
        ]
      }
    }
  ]);
  expect(found[0].evidence.windows).toHaveLength(16);
});

it('forecasts a trend within its finding, as `analyze` does', () => {
  const samples = driftingTrace({ ...shape, moved: time => time });
  const [found] = changes(samples);
  const { forecast } = analyze({ samples }).layers[0];
  expect(found.kind).toBe('trend');
  expect(forecast).toMatchObject({ basis: 'trend', rests: 60, unit: 'texts' });
  const own = found.evidence.forecast as { slotShare: number[] };
  expect(own.slotShare).toEqual(
    found.experts.map(
      expert => (forecast as { slotShare: number[] }).slotShare[expert]
    )
  );
});

describe('of no change over time', () => {
  const check = (samples: RoutingSample[]) =>
    diagnose({ samples }).checks.find(({ kind }) => kind === 'trend')!;

  it.each<[string, () => RoutingSample[]]>([
    ['one text', () => driftingTrace({ ...shape, texts: 1 })],
    [
      'a few long texts',
      () => driftingTrace({ ...shape, texts: 6, length: 3000 })
    ],
    ['nothing', () => []]
  ])('%s can tell, and it is said', (_, make) => {
    const samples = make();
    expect(changes(samples)).toEqual([]);
    expect(check(samples)).toMatchObject({
      looked: false,
      why: expect.stringMatching(/fewer than 20 texts|there are no tokens/)
    });
    for (const { forecast } of analyze({ samples }).layers) {
      expect(forecast).toEqual({
        reason: expect.stringMatching(/^cannot forecast/)
      });
    }
  });

  it('is found where all experts are selected, or always the same', () => {
    for (const topK of [3, 1]) {
      const samples = samplesOf(() => [0, 1, 2].slice(0, topK), {
        experts: 3,
        topK,
        samples: 40
      });
      expect(changes(samples)).toEqual([]);
      expect(check(samples).looked).toBe(true);
      expect(JSON.stringify(analyze({ samples }))).not.toMatch(/NaN|Infinity/);
    }
  });
});

it('rests on the texts since the last change', () => {
  const samples = driftingTrace({ ...shape, texts: 100 });
  const after = driftingTrace({
    ...shape,
    seed: 6,
    texts: 5,
    moved: () => 1
  }).map(sample => ({ ...sample, id: `after ${sample.id}` }));
  const { forecast } = analyze({ samples: [...samples, ...after] }).layers[0];
  expect(forecast).toMatchObject({ basis: 'mean', rests: 5, fromToken: 5000 });
  const { low, high } = forecast as { low: number[]; high: number[] };
  expect(low).toHaveLength(8);
  low.forEach((bound, e) => expect(bound).toBeLessThan(high[e]));
});
