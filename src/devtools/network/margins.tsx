import { layerName, type TokenPageLayer } from 'moe-debugger/protocol';
import { decimals } from '../words';

const HEIGHT = 16;
const BAR = 5;
const GAP = 2;
/** A margin of this many near misses fills a bar. */
const FULL = 10;

/** How close each layer's choice was, as small bars: a near miss is drawn in ink. */
export function Margins({
  layers,
  row
}: {
  layers: readonly TokenPageLayer[];
  row: number;
}): JSX.Element {
  return (
    <svg
      className="moe-Margins"
      role="img"
      width={layers.length * (BAR + GAP)}
      height={HEIGHT}
      aria-label={layers
        .map(layer => `${layerName(layer)} ${decimals(layer.margins[row])}`)
        .join(', ')}
    >
      {layers.map((layer, i) => {
        const margin = layer.margins[row];
        if (!(margin >= 0)) {
          return null;
        }
        const size = Math.max(
          1.5,
          Math.min(1, margin / (FULL * layer.nearMiss)) * HEIGHT
        );
        return (
          <rect
            key={i}
            className={margin < layer.nearMiss ? 'moe-mod-close' : ''}
            x={i * (BAR + GAP)}
            y={HEIGHT - size}
            width={BAR}
            height={size}
          />
        );
      })}
    </svg>
  );
}
