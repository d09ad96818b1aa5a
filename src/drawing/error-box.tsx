import type { Drawing } from './drawing';
import { ReactDrawing } from './react-drawing';

/** Longer messages are cut. */
const MAX_LENGTH = 400;

interface IErrorBoxProps {
  title: string;
  error: unknown;
}

/** Shows an error in place of a view. Texts are set as text, never as HTML. */
export function ErrorBox({ title, error }: IErrorBoxProps): JSX.Element {
  const message = error instanceof Error ? error.message : String(error);
  return (
    <div className="moe-ErrorBox" role="alert">
      <strong>{title}</strong>
      <p>{message.charAt(0).toUpperCase() + message.slice(1, MAX_LENGTH)}</p>
    </div>
  );
}

/** The error box as a drawing, for code without React. */
export function errorBox(props: IErrorBoxProps): Drawing {
  return new ReactDrawing(<ErrorBox {...props} />);
}
