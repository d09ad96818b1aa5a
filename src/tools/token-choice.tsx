import { OWN_KEYS } from '../drawing';

/** Text is to be read on the strongest colour, in percent of it. */
const STRONGEST = 60;
/** Of the largest effect: below it, a sign would be noise. */
const SIGNED_SHARE = 0.05;

interface ITokenChoiceProps {
  /** Of the group. */
  name: string;
  text: string;
  title: string;
  isChosen: boolean;
  choose: () => void;
  /** What the token gives, and the most that any gives: colours it, and puts a sign in front. */
  effect?: { value: number; peak: number };
}

/** One of the tokens of which one is looked at. */
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
