import type { WeightElement } from 'moe-debugger/protocol';
import type { ITranslation } from '../../translation';
import { decimals } from '../words';

const WIDTH = 260;
const HEIGHT = 84;
const AXIS = 16;
const LEFT = 42;

/** How many elements of a tensor have which value. */
export function Histogram({
  weight,
  trans
}: {
  weight: WeightElement;
  trans: ITranslation;
}): JSX.Element {
  const { histogram, min, max, elements } = weight;
  const most = Math.max(1, ...histogram);
  const bar = WIDTH / Math.max(1, histogram.length);
  const zero = max > min ? (-min / (max - min)) * WIDTH : -1;
  return (
    <svg
      className="moe-SmallChart"
      viewBox={`0 0 ${WIDTH} ${HEIGHT + AXIS}`}
      role="img"
      aria-label={trans.__(
        'Histogram of %1 elements from %2 to %3, mean %4, standard deviation %5',
        elements,
        short(min),
        short(max),
        short(weight.mean),
        short(weight.deviation)
      )}
    >
      {histogram.map((count, i) => (
        <rect
          key={i}
          className="moe-SmallChart-bar"
          x={i * bar}
          width={Math.max(0.5, bar - 1)}
          y={HEIGHT - (count / most) * (HEIGHT - 4)}
          height={(count / most) * (HEIGHT - 4)}
        />
      ))}
      <line
        className="moe-SmallChart-rule"
        x2={WIDTH}
        y1={HEIGHT}
        y2={HEIGHT}
      />
      <text y={HEIGHT + 12}>{short(min)}</text>
      {zero > 50 && zero < WIDTH - 50 && (
        <text x={zero} y={HEIGHT + 12} textAnchor="middle">
          0
        </text>
      )}
      <text x={WIDTH} y={HEIGHT + 12} textAnchor="end">
        {short(max)}
      </text>
    </svg>
  );
}

/** The singular values of a matrix, by rank, on a logarithmic scale. */
export function Spectrum({
  weight,
  trans
}: {
  weight: WeightElement;
  trans: ITranslation;
}): JSX.Element | null {
  const values = (weight.spectrum ?? []).filter(value => value > 0);
  if (values.length < 2) {
    return null;
  }
  const [low, high] = [
    Math.log10(Math.max(values[values.length - 1], values[0] * 1e-6)),
    Math.log10(values[0])
  ];
  const x = (rank: number): number =>
    LEFT + (rank / (values.length - 1)) * (WIDTH - LEFT);
  const y = (value: number): number =>
    4 +
    ((high - Math.log10(Math.max(value, 10 ** low))) /
      Math.max(high - low, 1e-9)) *
      (HEIGHT - 8);
  return (
    <svg
      className="moe-SmallChart"
      viewBox={`0 0 ${WIDTH} ${HEIGHT + AXIS}`}
      role="img"
      aria-label={trans.__(
        '%1 singular values from %2 to %3, effective rank %4',
        values.length,
        short(values[0]),
        short(values[values.length - 1]),
        decimals(weight.effectiveRank ?? NaN, 1)
      )}
    >
      <line
        className="moe-SmallChart-rule"
        x1={LEFT}
        x2={WIDTH}
        y1={HEIGHT}
        y2={HEIGHT}
      />
      <text x={LEFT - 4} y={10} textAnchor="end">
        {short(values[0])}
      </text>
      <text x={LEFT - 4} y={HEIGHT} textAnchor="end">
        {short(values[values.length - 1])}
      </text>
      <polyline
        className="moe-SmallChart-line"
        points={values
          .map((value, rank) => `${x(rank).toFixed(1)},${y(value).toFixed(1)}`)
          .join(' ')}
      />
      <text x={LEFT} y={HEIGHT + 12}>
        {trans.__('rank 1')}
      </text>
      <text x={WIDTH} y={HEIGHT + 12} textAnchor="end">
        {values.length}
      </text>
    </svg>
  );
}

/** Cosine similarities to the other experts, as marks on a line from -1 or 0 to 1. */
export function Likeness({
  likeness,
  expert,
  trans
}: {
  likeness: readonly (number | null)[];
  expert: number;
  trans: ITranslation;
}): JSX.Element | null {
  const others = likeness
    .map((cosine, other) => ({ cosine, other }))
    .filter(
      (own): own is { cosine: number; other: number } =>
        own.cosine !== null && own.other !== expert
    )
    .sort((a, b) => b.cosine - a.cosine);
  if (others.length === 0) {
    return null;
  }
  const low = others[others.length - 1].cosine < -0.05 ? -1 : 0;
  const x = (cosine: number): number =>
    6 + ((cosine - low) / (1 - low)) * (WIDTH - 12);
  const [best] = others;
  return (
    <>
      <svg
        className="moe-SmallChart"
        viewBox={`0 0 ${WIDTH} 36`}
        role="img"
        aria-label={trans.__(
          'Likeness to %1 other experts: the most alike is expert %2 with a cosine of %3',
          others.length,
          best.other,
          decimals(best.cosine)
        )}
      >
        <line
          className="moe-SmallChart-rule"
          x1={6}
          x2={WIDTH - 6}
          y1={14}
          y2={14}
        />
        {others.map(({ cosine, other }) => (
          <circle
            key={other}
            className="moe-SmallChart-dot"
            cx={x(cosine)}
            cy={14}
            r={4}
          >
            <title>{trans.__('expert %1: %2', other, decimals(cosine))}</title>
          </circle>
        ))}
        <text x={6} y={32}>
          {low}
        </text>
        <text x={WIDTH - 6} y={32} textAnchor="end">
          1
        </text>
      </svg>
      <p className="moe-Note">
        {trans.__(
          'most alike: expert %1, %2',
          best.other,
          decimals(best.cosine)
        )}
      </p>
    </>
  );
}

function short(value: number): string {
  return Number(value.toPrecision(3)).toString().replace('-', '−');
}
