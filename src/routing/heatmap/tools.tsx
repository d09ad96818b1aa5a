import type { KeyboardEvent } from 'react';
import { OWN_KEYS, useSignal } from '../../drawing';
import type { ITranslation } from '../../translation';
import { measureName } from '../reading';
import { LOG_FLOOR } from './paint';
import { MIN_COLUMNS } from './range';
import type { Viewport } from './viewport';

const ZOOM = 1.5;

/** Search, zoom and the legend of a heatmap: one row above it. */
export function HeatmapTools(props: IToolsProps): JSX.Element | null {
  const { viewport } = props;
  const { model, pane } = viewport;
  useSignal(model.changed);
  useSignal(viewport.changed);
  return model.display === 'table' || model.tokens(pane).length === 0 ? null : (
    <div className="moe-HeatmapTools">
      <Search {...props} />
      <Zoom {...props} />
      <button
        {...OWN_KEYS}
        className="moe-TextButton"
        title={props.trans.__('Save the picture with its title and legend')}
        onClick={props.save}
      >
        {props.trans.__('Save as PNG')}
      </button>
      <Legend {...props} />
    </div>
  );
}

interface IToolsProps {
  viewport: Viewport;
  /** Saves the picture as a file. */
  save: () => void;
  trans: ITranslation;
}

function Search({ viewport, trans }: IToolsProps): JSX.Element {
  const { query, hits, hit } = viewport;
  const count =
    query === ''
      ? ''
      : hits.length === 0
        ? trans.__('not found')
        : hit < 0
          ? trans._n('%1 hit', '%1 hits', hits.length)
          : trans.__('%1 of %2', hit + 1, hits.length);
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === 'Enter') {
      event.preventDefault();
      viewport.goToHit(event.shiftKey ? -1 : 1);
    } else if (event.key === 'Escape' && query !== '') {
      event.stopPropagation();
      viewport.query = '';
    }
  };
  return (
    <span className="moe-HeatmapTools-search">
      <input
        {...OWN_KEYS}
        type="search"
        value={query}
        spellCheck={false}
        placeholder={trans.__('Find in tokens')}
        aria-label={trans.__('Find in tokens')}
        onChange={event => {
          viewport.query = event.target.value;
        }}
        onKeyDown={onKeyDown}
      />
      <span role="status">{count}</span>
      {hits.length > 0 && (
        <>
          <button
            {...OWN_KEYS}
            className="moe-TextButton"
            aria-label={trans.__('Previous hit')}
            onClick={() => viewport.goToHit(-1)}
          >
            ‹
          </button>
          <button
            {...OWN_KEYS}
            className="moe-TextButton"
            aria-label={trans.__('Next hit')}
            onClick={() => viewport.goToHit(1)}
          >
            ›
          </button>
        </>
      )}
    </span>
  );
}

function Zoom({ viewport, trans }: IToolsProps): JSX.Element {
  const { range, columns, tokens } = viewport;
  const first = Math.floor(range.from);
  const last = Math.min(tokens.length, Math.ceil(range.to)) - 1;
  const position = (index: number): number => tokens[index]?.position ?? index;
  return (
    <span className="moe-HeatmapTools-zoom">
      <span>
        {viewport.isWhole
          ? trans._n('%1 token', '%1 tokens', tokens.length)
          : trans.__(
              '%1–%2 of %3 tokens',
              position(first),
              position(last),
              tokens.length
            )}
      </span>
      <button
        {...OWN_KEYS}
        className="moe-TextButton"
        aria-label={trans.__('Zoom out')}
        title={trans.__('Zoom out (−)')}
        disabled={viewport.isWhole}
        onClick={() => viewport.zoom(1 / ZOOM)}
      >
        −
      </button>
      <button
        {...OWN_KEYS}
        className="moe-TextButton"
        aria-label={trans.__('Zoom in')}
        title={trans.__('Zoom in (+). Drag over tokens to zoom to them.')}
        disabled={range.to - range.from <= Math.min(MIN_COLUMNS, columns)}
        onClick={() => viewport.zoom(ZOOM)}
      >
        +
      </button>
      <button
        {...OWN_KEYS}
        className="moe-TextButton"
        title={trans.__('Show all tokens (0)')}
        disabled={viewport.isWhole}
        onClick={() => viewport.showAll()}
      >
        {trans.__('All tokens')}
      </button>
      {viewport.isOpen && (
        <button
          {...OWN_KEYS}
          className="moe-TextButton"
          onClick={() => {
            viewport.isOpen = false;
          }}
        >
          {trans.__('Fewer experts')}
        </button>
      )}
    </span>
  );
}

function Legend({ viewport, trans }: IToolsProps): JSX.Element {
  const { model } = viewport;
  const isLog = viewport.isLog && model.measure === 'probability';
  const isMaximum = viewport.width > 0 && viewport.columnWidth < 1;
  return (
    <span className="moe-HeatmapTools-legend">
      {model.measure === 'probability' && (
        <label
          title={trans.__('Colours by the logarithm: small values differ')}
        >
          <input
            {...OWN_KEYS}
            type="checkbox"
            checked={viewport.isLog}
            onChange={event => {
              viewport.isLog = event.target.checked;
            }}
          />
          {trans.__('log')}
        </label>
      )}
      <span className="moe-Ramp">
        {isMaximum
          ? trans.__(
              '%1 (largest of each pixel)',
              measureName(model.measure, trans)
            )
          : measureName(model.measure, trans)}{' '}
        {isLog ? model.ceiling * LOG_FLOOR : 0} <i aria-hidden />{' '}
        {model.ceiling}
      </span>
    </span>
  );
}
