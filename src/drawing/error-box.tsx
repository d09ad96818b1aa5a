import type { Drawing } from './drawing';
import { ReactDrawing } from './react-drawing';

/** Longer messages are cut. */
const MAX_LENGTH = 400;

interface IErrorBoxProps {
  title: string;
  error: unknown;
}

/** Says what is wrong with something that was to be shown. Texts are set as text, never as HTML. */
export function ErrorBox({ title, error }: IErrorBoxProps): JSX.Element {
  const message = error instanceof Error ? error.message : String(error);
  return (
    <div className="moe-ErrorBox" role="alert">
      <strong>{title}</strong>
      <p>{message.charAt(0).toUpperCase() + message.slice(1, MAX_LENGTH)}</p>
    </div>
  );
}

/** The same where React does not draw. */
export function errorBox(props: IErrorBoxProps): Drawing {
  return new ReactDrawing(<ErrorBox {...props} />);
}
