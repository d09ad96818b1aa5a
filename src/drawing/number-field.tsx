import { useEffect, useId, useState } from 'react';
import type { ITranslation } from '../translation';
import { OWN_KEYS } from './own-keys';

interface INumberFieldProps {
  label: string;
  /** The valid number, or NaN while the field holds none. */
  value: number;
  min: number;
  /** Absent if only the kernel knows the limit. */
  max?: number;
  disabled: boolean;
  /** Receives the number, or NaN if what was typed is none within the limits. */
  change: (value: number) => void;
  trans: ITranslation;
}

/** A field for a whole number. It keeps what is typed, and says beside it which numbers are valid if it is none. */
export function NumberField(props: INumberFieldProps): JSX.Element {
  const { label, value, min, max = Infinity, trans } = props;
  const id = useId();
  const [text, setText] = useState(textOf(value));
  // A browser reports '' for text that is no number, so an empty field does not tell whether something was typed.
  const [isNumber, setIsNumber] = useState(true);
  const typed = isNumber ? wholeNumber(text, min, max) : NaN;
  useEffect(() => {
    if (!Number.isNaN(value) && value !== typed) {
      setText(textOf(value));
      setIsNumber(true);
    }
  }, [value]);
  const isInvalid = Number.isNaN(typed) && !props.disabled;
  return (
    <span className="moe-NumberField">
      <label>
        <span>{label}</span>
        <input
          {...OWN_KEYS}
          type="number"
          min={min}
          max={Number.isFinite(max) ? max : undefined}
          // The field says itself what is wrong: the browser's own message stops the form without a word for screen readers.
          step="any"
          value={text}
          disabled={props.disabled}
          aria-invalid={isInvalid}
          aria-describedby={isInvalid ? id : undefined}
          onChange={event => {
            const { value: next, validity } = event.target;
            setText(next);
            setIsNumber(!validity.badInput);
            props.change(validity.badInput ? NaN : wholeNumber(next, min, max));
          }}
        />
      </label>
      {isInvalid && (
        <small id={id} className="moe-Refusal" role="alert">
          {Number.isFinite(max)
            ? trans.__('a whole number from %1 to %2', min, max)
            : trans.__('a whole number, %1 or more', min)}
        </small>
      )}
    </span>
  );
}

/** NaN if the text is no whole number within the limits. */
function wholeNumber(text: string, min: number, max: number): number {
  const value = text.trim() === '' ? NaN : Number(text);
  return Number.isSafeInteger(value) && value >= min && value <= max
    ? value
    : NaN;
}

function textOf(value: number): string {
  return Number.isNaN(value) ? '' : String(value);
}
