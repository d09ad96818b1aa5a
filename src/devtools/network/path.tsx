import { layerName, type TokenPageLayer } from 'moe-debugger/protocol';
import type { IViewContext } from '../context';
import { leanClass, leanOf } from '../lean';
import { chipText, segmentsOf } from './chip';

const WIDTH = 312;
const HEIGHT = 140;
const LEFT = 24;
const TOP = 10;
const BOTTOM = 18;
/** Layers on each side of the selected one, where there are more. */
const AROUND = 5;
const LARGEST = 9;

/** The experts of one token layer by layer. */
export function TokenPath({
  context,
  layers,
  row
}: {
  context: IViewContext;
  layers: readonly TokenPageLayer[];
  row: number;
}): JSX.Element {
  const { source, selection, trans } = context;
  const { layerIndex } = selection.current;
  const routed = layers
    .map((layer, index) => ({ layer, index, segments: segmentsOf(layer, row) }))
    .filter(own => own.segments !== null);
  const at = Math.max(
    0,
    routed.findIndex(({ index }) => index === layerIndex)
  );
  const from = Math.max(
    0,
    Math.min(at - AROUND, routed.length - 2 * AROUND - 1)
  );
  const shown = routed.slice(from, from + 2 * AROUND + 1);
  const experts = Math.max(1, ...shown.map(({ layer }) => layer.experts));
  const x = (i: number): number =>
    LEFT + ((i + 0.5) * (WIDTH - LEFT)) / Math.max(1, shown.length);
  const y = (expert: number): number =>
    TOP + ((expert + 0.5) * (HEIGHT - TOP - BOTTOM)) / experts;
  const step = Math.ceil(experts / 8);
  return (
    <svg
      className="moe-TokenPath"
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      role="img"
      aria-label={trans.__(
        'Path: %1',
        shown.map(({ layer }) => chipText(layer, row)).join('; ')
      )}
    >
      {Array.from({ length: Math.ceil(experts / step) }, (_, i) => (
        <g key={i}>
          <line x1={LEFT} x2={WIDTH} y1={y(i * step)} y2={y(i * step)} />
          <text x={LEFT - 8} y={y(i * step) + 4} textAnchor="end">
            {i * step}
          </text>
        </g>
      ))}
      {shown.slice(1).flatMap(({ segments }, i) =>
        (shown[i].segments ?? []).flatMap(before =>
          (segments ?? []).map(after => {
            const middle = (x(i) + x(i + 1)) / 2;
            return (
              <path
                key={`${i}/${before.expert}/${after.expert}`}
                d={`M${x(i)},${y(before.expert)} C${middle},${y(before.expert)} ${middle},${y(after.expert)} ${x(i + 1)},${y(after.expert)}`}
                strokeWidth={Math.max(
                  0.75,
                  4 * (before.weight ?? 0.5) * (after.weight ?? 0.5)
                )}
              />
            );
          })
        )
      )}
      {shown.map(({ layer, index, segments }, i) => {
        const router = source.outline?.routers[index];
        const next = layer.next[row] ?? -1;
        return (
          <g
            key={index}
            onClick={() =>
              selection.set({ layerIndex: index, expert: segments![0]?.expert })
            }
          >
            {index === layerIndex && (
              <rect
                className="moe-TokenPath-current"
                x={x(i) - 15}
                y={2}
                width={30}
                height={HEIGHT - BOTTOM - 4}
              />
            )}
            {next >= 0 && (
              <circle
                className="moe-TokenPath-next"
                cx={x(i)}
                cy={y(next)}
                r={4}
              />
            )}
            {segments!.map(({ expert, weight }) => (
              <circle
                key={expert}
                className={router ? leanClass(leanOf(router, expert)) : ''}
                cx={x(i)}
                cy={y(expert)}
                r={Math.max(3, LARGEST * Math.sqrt(Math.min(1, weight ?? 0.5)))}
              />
            ))}
            <text x={x(i)} y={HEIGHT - 4} textAnchor="middle">
              {layerName(layer).replace(
                'layer ',
                shown.length > 6 ? '' : 'layer '
              )}
            </text>
          </g>
        );
      })}
    </svg>
  );
}
