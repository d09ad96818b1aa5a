import { nullTranslator } from '@jupyterlab/translation';
import { act, type } from '../testing/react';
import { NumberField } from './number-field';
import { ReactDrawing } from './react-drawing';

const trans = nullTranslator.load('');

/** A field, with the numbers that it reported. */
function shown(options: { value?: number; max?: number; disabled?: boolean }): {
  node: HTMLElement;
  input: HTMLInputElement;
  said: () => string | undefined;
  reported: number[];
} {
  const reported: number[] = [];
  let drawing!: ReactDrawing;
  act(() => {
    drawing = new ReactDrawing(
      <NumberField
        label="New tokens"
        value={options.value ?? 8}
        min={1}
        max={options.max}
        disabled={options.disabled ?? false}
        change={value => reported.push(value)}
        trans={trans}
      />
    );
  });
  const { node } = drawing;
  return {
    node,
    input: node.querySelector('input')!,
    said: () => node.querySelector('[role=alert]')?.textContent ?? undefined,
    reported
  };
}

describe('NumberField', () => {
  it('reports whole numbers within its limits, and says nothing', () => {
    const { input, said, reported } = shown({ max: 512 });
    for (const text of ['1', '512', '12']) {
      type(input, text);
    }
    expect(reported).toEqual([1, 512, 12]);
    expect(said()).toBeUndefined();
    expect(input.getAttribute('aria-invalid')).toBe('false');
  });

  it.each(['', '-3', '0', '513', '1.5', '1e9'])(
    'says beside the field what is valid when %j is typed, and keeps that',
    text => {
      const { input, said, reported } = shown({ max: 512 });
      type(input, text);
      expect(reported).toEqual([NaN]);
      expect(said()).toBe('a whole number from 1 to 512');
      expect(input.value).toBe(text);
      expect(input.getAttribute('aria-invalid')).toBe('true');
      expect(input.getAttribute('aria-describedby')).not.toBeNull();
    }
  );

  it('says so without an upper limit', () => {
    const { input, said } = shown({});
    type(input, '-1');
    expect(said()).toBe('a whole number, 1 or more');
  });

  it('says nothing while it is disabled', () => {
    expect(shown({ value: NaN, disabled: true }).said()).toBeUndefined();
  });
});
