import type { ISignal } from '@lumino/signaling';
import { useLayoutEffect, useRef } from 'react';
import { OnceAFrame } from '../drawing';
import type { ITranslation } from '../translation';
import { LayerGrid, type IGridSource } from './layer-grid';

interface IGridProps {
  /** Must be the same object at each render. */
  source: IGridSource;
  /** Emitted when the content of the source may have changed. */
  changed: ISignal<unknown, unknown>;
  trans: ITranslation;
}

/** A grid of layers by experts that follows its source, at most once per frame. */
export function Grid({ source, changed, trans }: IGridProps): JSX.Element {
  const scroll = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const grid = new LayerGrid({ source, trans });
    const redraw = new OnceAFrame(() => grid.redraw());
    scroll.current!.append(grid.node);
    changed.connect(redraw.ask, redraw);
    return () => {
      changed.disconnect(redraw.ask, redraw);
      redraw.dispose();
      grid.dispose();
    };
  }, [source, changed]);
  return <div ref={scroll} className="moe-LayerGrid-scroll" />;
}
