/** React in the tests: what was asked for is on the screen when `act` returns. */
import { act } from 'react';

(
  globalThis as { IS_REACT_ACT_ENVIRONMENT?: boolean }
).IS_REACT_ACT_ENVIRONMENT = true;

export { act };

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
