/** React in tests: updates are rendered when `act` returns. */
import { act } from 'react';

(
  globalThis as { IS_REACT_ACT_ENVIRONMENT?: boolean }
).IS_REACT_ACT_ENVIRONMENT = true;

export { act };

/** Types into a field, or selects in it, as a user would. */
export function type(
  field: HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement,
  value: string
): void {
  // The native setter: React overrides the property, and detects no change made through its own.
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
