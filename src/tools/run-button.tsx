import { OWN_KEYS } from '../drawing';
import type { ITranslation } from '../translation';
import type { ToolModel } from './model';

interface IRunButtonProps {
  model: ToolModel<{ running: boolean }, { do: 'cancel' }>;
  /** The label of the form's action. */
  action: string;
  isReady: boolean;
  trans: ITranslation;
}

/** Submits its form or, while a task runs, cancels it. */
export function RunButton(props: IRunButtonProps): JSX.Element {
  const { model, action, isReady, trans } = props;
  return model.isRunning ? (
    <button
      {...OWN_KEYS}
      key="cancel"
      type="button"
      className="moe-Button"
      onClick={() => model.send({ do: 'cancel' })}
    >
      {trans.__('Cancel')}
    </button>
  ) : (
    <button
      {...OWN_KEYS}
      key="submit"
      type="submit"
      className="moe-Button moe-mod-accept"
      disabled={!isReady}
    >
      {action}
    </button>
  );
}
