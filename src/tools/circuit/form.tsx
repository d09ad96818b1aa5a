import type { CircuitQuestion } from 'moe-debugger/protocol';
import { NumberField, OWN_KEYS, Select } from '../../drawing';
import { RunButton } from '../run-button';
import type { ICircuitProps } from './props';

const MAX_ROWS = 5;

/** The form: both prompts, the target and the direction. */
export function CircuitForm(props: ICircuitProps): JSX.Element {
  const { model, trans } = props;
  const { draft, isLive } = model;
  const isReady =
    isLive &&
    draft.clean.trim() !== '' &&
    (draft.other !== 'prompt' || draft.corrupted.trim() !== '') &&
    (draft.target.kind !== 'router' ||
      !Number.isNaN(draft.target.layer + draft.target.expert));
  const find = () => {
    if (isReady) {
      model.find();
    }
  };
  const set = (change: Partial<CircuitQuestion>) => {
    model.draft = { ...draft, ...change };
  };
  const prompt = (
    label: string,
    name: 'clean' | 'corrupted',
    placeholder: string
  ): JSX.Element => (
    <label className="moe-CircuitForm-prompt">
      <span>{label}</span>
      <textarea
        {...OWN_KEYS}
        rows={Math.min(MAX_ROWS, draft[name].split('\n').length)}
        value={draft[name]}
        readOnly={!isLive}
        placeholder={placeholder}
        title={trans.__('Enter: Find. Shift+Enter starts a new line')}
        onChange={event => set({ [name]: event.target.value })}
        onKeyDown={event => {
          if (event.key === 'Enter' && !event.shiftKey) {
            event.preventDefault();
            find();
          }
        }}
      />
    </label>
  );
  const others: [CircuitQuestion['other'], string][] = [
    ['prompt', trans.__('another prompt')],
    ['zero', trans.__('embeddings of zeros')],
    ['mean', trans.__('mean embeddings')]
  ];
  return (
    <form
      className="moe-CircuitForm"
      onSubmit={event => {
        event.preventDefault();
        find();
      }}
    >
      {prompt(trans.__('Clean'), 'clean', trans.__('A prompt'))}
      {draft.other === 'prompt' &&
        prompt(
          trans.__('Corrupted'),
          'corrupted',
          trans.__('As many tokens, one difference')
        )}
      <div className="moe-CircuitForm-row">
        <Select
          label={trans.__('Corrupted input')}
          value={draft.other}
          options={others}
          disabled={!isLive}
          choose={other => set({ other })}
        />
        <Select
          label={trans.__('Direction')}
          title={trans.__('Whose activations are patched into whose run')}
          value={draft.direction}
          options={[
            ['noising', trans.__('corrupted into clean')],
            ['denoising', trans.__('clean into corrupted')]
          ]}
          disabled={!isLive}
          choose={direction => set({ direction })}
        />
        <Target {...props} />
        <RunButton
          model={model}
          action={trans.__('Find')}
          isReady={isReady}
          trans={trans}
        />
      </div>
    </form>
  );
}

/** The form's part for the target. */
function Target({ model, trans }: ICircuitProps): JSX.Element {
  const { draft, isLive } = model;
  const { target } = draft;
  const set = (change: Partial<CircuitQuestion['target']>) => {
    model.draft = { ...draft, target: { ...target, ...change } };
  };
  const kinds: [CircuitQuestion['target']['kind'], string][] = [
    ['logit', trans.__('logit')],
    ['logit-difference', trans.__('difference of logits')],
    ['log-probability', trans.__('log-probability')],
    ['router', trans.__('score of an expert')]
  ];
  const token = (label: string, name: 'token' | 'against'): JSX.Element => (
    <input
      {...OWN_KEYS}
      type="text"
      aria-label={label}
      title={label}
      placeholder={
        name === 'token' ? trans.__('likeliest') : trans.__('likeliest other')
      }
      value={target[name]}
      readOnly={!isLive}
      onChange={event => set({ [name]: event.target.value })}
    />
  );
  const index = (label: string, name: 'layer' | 'expert'): JSX.Element => (
    <NumberField
      label={label}
      value={target[name]}
      min={0}
      disabled={!isLive}
      change={value => set({ [name]: value })}
      trans={trans}
    />
  );
  return (
    <>
      <Select
        label={trans.__('Target')}
        title={trans.__('The number that is compared between the prompts')}
        value={target.kind}
        options={kinds}
        disabled={!isLive}
        choose={kind => set({ kind })}
      />
      {target.kind === 'router' ? (
        <>
          {index(trans.__('layer'), 'layer')}
          {index(trans.__('expert'), 'expert')}
        </>
      ) : (
        token(trans.__('Token, or its id'), 'token')
      )}
      {target.kind === 'logit-difference' &&
        token(trans.__('Token that is subtracted, or its id'), 'against')}
    </>
  );
}
