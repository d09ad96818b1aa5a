import { useEffect, useRef, useState } from 'react';
import { GraphPicture } from './graph-picture';
import { GraphThreshold } from './graph-threshold';
import type { ICircuitProps } from './props';

/** The slider, and the remaining circuit. */
export function CircuitGraph(props: ICircuitProps): JSX.Element {
  const [width, setWidth] = useState(0);
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const observer = new ResizeObserver(([entry]) =>
      setWidth(Math.floor(entry.contentRect.width))
    );
    observer.observe(box.current!);
    return () => observer.disconnect();
  }, []);
  return (
    <>
      <GraphThreshold {...props} />
      <div ref={box} className="moe-CircuitGraph">
        {width > 0 && <GraphPicture {...props} width={width} />}
      </div>
      <Legend {...props} />
    </>
  );
}

function Legend({ model, trans }: ICircuitProps): JSX.Element {
  const hasEdges = model.state.circuit!.edges.length > 0;
  return (
    <p className="moe-CircuitLegend">
      {hasEdges && (
        <>
          <svg width="26" height="8" aria-hidden="true">
            <path d="M1 4H25" strokeWidth="3" />
          </svg>
          {trans.__('raises the target')}
          <svg width="26" height="8" aria-hidden="true">
            <path className="moe-mod-negative" d="M1 4H25" strokeWidth="3" />
          </svg>
          {trans.__('lowers the target')}
        </>
      )}
      <span>{trans.__('Click a part, or use the arrow keys and Enter.')}</span>
    </p>
  );
}
