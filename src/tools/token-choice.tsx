import { OWN_KEYS } from '../drawing';

/** Maximum opacity at which text stays readable, in percent. */
const STRONGEST = 60;
/** Share of the largest effect; smaller effects get no sign. */
const SIGNED_SHARE = 0.05;

interface ITokenChoiceProps {
  /** Name of the radio group. */
  name: string;
  text: string;
  title: string;
  isChosen: boolean;
  choose: () => void;
  /** The token's effect, and the largest one: for its colour and its sign. */
  effect?: { value: number; peak: number };
}

/** One token of a group of radio buttons. */
export function TokenChoice(props: ITokenChoiceProps): JSX.Element {
  const { title, effect } = props;
  return (
    <label
      className="moe-LensTokens-token"
      title={title}
      style={
        effect && ({ '--moe-share': share(effect) } as React.CSSProperties)
      }
    >
      <input
        {...OWN_KEYS}
        type="radio"
        name={props.name}
        aria-label={effect && title}
        checked={props.isChosen}
        onChange={props.choose}
      />
      <span
        className={`moe-LensTokens-text${effect && effect.value < 0 ? ' moe-mod-negative' : ''}`}
        data-sign={effect && sign(effect)}
      >
        {props.text}
      </span>
    </label>
  );
}

function share({ value, peak }: { value: number; peak: number }): string {
  return `${peak === 0 ? 0 : Math.round((STRONGEST * Math.abs(value)) / peak)}%`;
}

function sign({ value, peak }: { value: number; peak: number }): string {
  if (Math.abs(value) < SIGNED_SHARE * peak || value === 0) {
    return '';
  }
  return value < 0 ? '−' : '+';
}
