import { figureText } from '../figure-text';
import { Slider } from '../../drawing';
import { MAX_DRAWN } from './model';
import type { ICircuitProps } from './props';

/** The threshold of edges, and the size of the remaining circuit. */
export function GraphThreshold({ model, trans }: ICircuitProps): JSX.Element {
  const { sizes, size, threshold, pruned, drawn } = model;
  const { edges, edgesLeftOut } = model.state.circuit!;
  const hasEdges = edges.length > 0;
  const at = Math.max(0, sizes.filter(own => own <= size).length - 1);
  const count = hasEdges
    ? trans._n('%1 edge', '%1 edges', pruned.edges.length)
    : '';
  const parts = trans._n('%1 part', '%1 parts', pruned.nodes.length);
  const words = [
    trans.__('effects of %1 or more', figureText(threshold)),
    count,
    parts
  ]
    .filter(Boolean)
    .join(', ');
  return (
    <div className="moe-CircuitThreshold">
      <label className="moe-LensLayer">
        <span>{trans.__('Threshold')}</span>
        <Slider
          label={trans.__('Threshold')}
          // To the right the threshold rises, and the circuit gets smaller.
          value={sizes.length - 1 - at}
          min={0}
          max={Math.max(0, sizes.length - 1)}
          disabled={sizes.length < 2}
          text={words}
          change={value => {
            model.size = sizes[sizes.length - 1 - value];
          }}
        />
        <span className="moe-mod-number">{figureText(threshold)}</span>
      </label>
      <p role="status">
        {[
          hasEdges
            ? trans.__(
                '%1 of %2, %3',
                count,
                edges.length + edgesLeftOut,
                parts
              )
            : trans.__('%1 of %2', parts, model.state.circuit!.nodes.length),
          ...faithfulness(model, trans)
        ].join(' · ')}
      </p>
      {drawn.edges.length < pruned.edges.length && (
        <p>
          {trans.__(
            'Too many to draw: these are the strongest %1 edges.',
            drawn.edges.length
          )}
        </p>
      )}
      {!hasEdges && drawn.nodes.length < pruned.nodes.length && (
        <p>
          {trans.__(
            'Too many to draw: these are the strongest %1 parts.',
            MAX_DRAWN
          )}
        </p>
      )}
    </div>
  );
}

/** Faithfulness of the remaining circuit, if measured. */
function faithfulness(
  model: ICircuitProps['model'],
  trans: ICircuitProps['trans']
): string[] {
  const found = model.faithfulness;
  if (!found) {
    return [trans.__('faithfulness not measured')];
  }
  const { point, isSmaller } = found;
  const share = shareText(point.faithfulness);
  return [
    isSmaller
      ? trans.__('faithfulness %1, measured at %2', share, point.size)
      : trans.__('faithfulness %1', share),
    ...(point.random
      ? [
          trans.__(
            'at random %1 ± %2',
            shareText(point.random.mean),
            shareText(point.random.deviation)
          )
        ]
      : [])
  ];
}

function shareText(share: number | null): string {
  return share === null
    ? '–'
    : share
        .toFixed(3)
        .replace(/^-(?=0\.0+$)/, '')
        .replace('-', '−');
}
