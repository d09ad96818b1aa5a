import { OWN_KEYS } from './own-keys';
import { useDraft } from './use-draft';

interface ISliderProps {
  label: string;
  value: number;
  min: number;
  max: number;
  step?: number;
  disabled: boolean;
  /** The value as text. */
  text?: string;
  /** When it changes, the draft is replaced by the kernel's value, even if that is the same. */
  answer?: unknown;
  change: (value: number) => void;
}

/** A slider that stays where the user drags it, while the kernel follows. */
export function Slider(props: ISliderProps): JSX.Element {
  const [dragged, setDragged] = useDraft(props.value, props.answer);
  return (
    <input
      {...OWN_KEYS}
      type="range"
      min={props.min}
      max={props.max}
      step={props.step ?? 1}
      value={dragged}
      disabled={props.disabled}
      aria-label={props.label}
      aria-valuetext={props.text}
      onChange={event => {
        const next = Number(event.target.value);
        setDragged(next);
        props.change(next);
      }}
    />
  );
}
