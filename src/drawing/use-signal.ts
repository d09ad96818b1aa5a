import type { ISignal } from '@lumino/signaling';
import { useLayoutEffect, useReducer } from 'react';

/**
 * Renders a component again when a signal is emitted.
 *
 * @param matters whether an emission changes the drawing; must be the same function at each render
 */
export function useSignal<Args>(
  signal: ISignal<unknown, Args>,
  matters: (args: Args) => boolean = always
): void {
  const [, redraw] = useReducer((turn: number) => turn + 1, 0);
  useLayoutEffect(() => {
    const slot = (_: unknown, args: Args) => {
      if (matters(args)) {
        redraw();
      }
    };
    signal.connect(slot);
    return () => {
      signal.disconnect(slot);
    };
  }, [signal, matters]);
}

function always(): boolean {
  return true;
}
