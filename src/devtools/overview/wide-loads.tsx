import { layerName, type OutlineRouter } from 'moe-debugger/protocol';
import { useEffect, useRef, type KeyboardEvent, type MouseEvent } from 'react';
import { takeKeys } from '../../drawing';
import type { IViewContext } from '../context';
import { rampColors } from '../ramp-colors';
import { percent } from '../words';

const ROW = 12;
const LEAST_COLUMN = 3;
const MOST_COLUMN = 16;

/** Loads of many experts as one image, a row a layer. A click, or the arrow keys, select an expert. */
export function WideLoads({
  context,
  routers
}: {
  context: IViewContext;
  routers: readonly OutlineRouter[];
}): JSX.Element {
  const { selection, trans } = context;
  const canvas = useRef<HTMLCanvasElement>(null);
  const experts = Math.max(...routers.map(own => own.experts));
  const column = Math.max(
    LEAST_COLUMN,
    Math.min(MOST_COLUMN, Math.floor(960 / experts))
  );
  const { layerIndex, expert } = selection.current;
  useEffect(() => {
    if (canvas.current) {
      draw(canvas.current, routers, column, selection.current);
    }
  });
  useEffect(() => {
    if (canvas.current) {
      takeKeys(canvas.current);
    }
  }, []);
  const select = (layer: number, own: number): void => {
    const router = routers[layer];
    if (router && own >= 0 && own < router.experts) {
      selection.set({ layerIndex: layer, expert: own, token: undefined });
    }
  };
  const onClick = ({ nativeEvent }: MouseEvent): void =>
    select(
      Math.floor(nativeEvent.offsetY / ROW),
      Math.floor(nativeEvent.offsetX / column)
    );
  const onKeyDown = (event: KeyboardEvent): void => {
    const move = MOVES[event.key];
    if (move) {
      event.preventDefault();
      select(layerIndex + move[0], (expert ?? 0) + move[1]);
    }
  };
  const router = routers[layerIndex];
  return (
    <div className="moe-WideLoads">
      <div className="moe-WideLoads-scroll">
        <canvas
          ref={canvas}
          tabIndex={0}
          role="application"
          aria-label={trans.__('Loads of all experts: arrow keys select one')}
          width={experts * column}
          height={routers.length * ROW}
          onClick={onClick}
          onKeyDown={onKeyDown}
        />
      </div>
      <p className="moe-Message" role="status">
        {router && expert !== undefined && expert < router.experts
          ? trans.__(
              '%1, expert %2: %3 of all tokens; an even share is %4',
              layerName(router),
              expert,
              percent(
                router.tokens > 0 ? router.counts[expert] / router.tokens : 0
              ),
              percent(router.topK / router.experts)
            )
          : trans.__('Click an expert, or use the arrow keys.')}
      </p>
    </div>
  );
}

const MOVES: Record<string, [number, number] | undefined> = {
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1]
};

/** Each row by its own largest load: a layer of many experts has small shares. */
function draw(
  canvas: HTMLCanvasElement,
  routers: readonly OutlineRouter[],
  column: number,
  { layerIndex, expert }: { layerIndex: number; expert?: number }
): void {
  const context = canvas.getContext('2d');
  if (!context) {
    return;
  }
  const { ramp, ground, mark } = rampColors(canvas);
  context.clearRect(0, 0, canvas.width, canvas.height);
  routers.forEach(({ counts }, row) => {
    const peak = counts.reduce((most, c) => Math.max(most, c), 0);
    counts.forEach((count, own) => {
      context.fillStyle =
        count === 0
          ? ground
          : ramp[
              Math.min(
                ramp.length - 1,
                Math.floor((count / peak) * ramp.length)
              )
            ];
      context.fillRect(own * column, row * ROW, column - 0.5, ROW - 1);
    });
  });
  if (expert !== undefined) {
    context.strokeStyle = mark;
    context.lineWidth = 2;
    context.strokeRect(
      expert * column,
      layerIndex * ROW,
      Math.max(column, 4),
      ROW - 1
    );
  }
}
