import { OWN_KEYS } from './own-keys';

interface ISelectProps<T extends string | number> {
  label: string;
  title?: string;
  value: T;
  /** Pairs of value and name. */
  options: readonly (readonly [T, string])[];
  disabled?: boolean;
  choose: (value: T) => void;
}

/** A drop-down list. */
export function Select<T extends string | number>(
  props: ISelectProps<T>
): JSX.Element {
  const { options } = props;
  return (
    <select
      {...OWN_KEYS}
      aria-label={props.label}
      title={props.title}
      value={props.value}
      disabled={props.disabled}
      onChange={event => props.choose(options[event.target.selectedIndex][0])}
    >
      {options.map(([value, name]) => (
        <option key={value} value={value}>
          {name}
        </option>
      ))}
    </select>
  );
}
