/** React in the tests: what was asked for is on the screen when `act` returns. */
import * as React from 'react';
import type { act as reactAct } from 'react-dom/test-utils';

(
  globalThis as { IS_REACT_ACT_ENVIRONMENT?: boolean }
).IS_REACT_ACT_ENVIRONMENT = true;

/** React 18.3 has it, but the types of React 18 do not say so. */
export const { act } = React as unknown as { act: typeof reactAct };

/** Types into a field, or chooses in it, as a person would. */
export function type(
  field: HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement,
  value: string
): void {
  // The element's own property, since React has put another one in front and sees no change that came through that.
  const { set } = Object.getOwnPropertyDescriptor(
    Object.getPrototypeOf(field) as object,
    'value'
  )!;
  act(() => {
    set!.call(field, value);
    field.dispatchEvent(
      new Event(field instanceof HTMLSelectElement ? 'change' : 'input', {
        bubbles: true
      })
    );
  });
}
