import { tokenLabel, tokenText } from 'moe-debugger/charts';
import {
  layerName,
  type AskedTarget,
  type RankedToken,
  type TargetChoices
} from 'moe-debugger/protocol';
import { OWN_KEYS, Select } from '../../drawing';
import { signedFigure } from '../figure-text';
import type { IAttributionProps } from './props';

/** The possible targets at the selected token: a prediction, or the selection of an expert. */
export function TargetPicker(props: IAttributionProps): JSX.Element {
  const { model, trans } = props;
  const token = model.state.attribution!.tokens[model.position] as
    (Parameters<typeof tokenLabel>[0] & { attribution: number }) | undefined;
  const { choices } = model;
  return (
    <section
      className="moe-SweepExpert moe-TargetPicker"
      aria-label={trans.__('Explain another target')}
    >
      <h4>
        {token && (
          <>
            {trans.__('Token %1', token.position)}{' '}
            <code>{tokenLabel(token)}</code>{' '}
            <small>{signedFigure(token.attribution)}</small>
          </>
        )}
      </h4>
      {choices ? (
        <>
          <Logits {...props} choices={choices} />
          {choices.routers.length > 0 && (
            <Experts {...props} choices={choices} />
          )}
        </>
      ) : (
        <p className="moe-Message">
          {model.isLive
            ? trans.__('Reading the predictions and the routing of this token…')
            : trans.__(
                'Only the kernel knows the targets at this token: run the cell.'
              )}
        </p>
      )}
    </section>
  );
}

interface IChoicesProps extends IAttributionProps {
  choices: TargetChoices;
}

function Logits(props: IChoicesProps): JSX.Element {
  const { choices, model, trans } = props;
  const { position, top, actual } = choices.logits;
  const { attribution, question } = model.state;
  const kind =
    question.target?.kind === 'log-probability' ? 'log-probability' : 'logit';
  const choice = (token: RankedToken, note: string): JSX.Element => (
    <Choice
      key={`${note}${token.id}`}
      {...props}
      target={{ kind, position, token: token.id }}
      label={trans.__(
        'Explain the prediction of %1',
        tokenText({ position, ...token })
      )}
      title={trans.__(
        'id %1, probability %2, logit %3',
        token.id,
        token.probability?.toPrecision(3) ?? '–',
        token.logit?.toFixed(2) ?? '–'
      )}
    >
      <code>{tokenLabel({ position, ...token })}</code>{' '}
      <small>{percent(token.probability)}</small>
    </Choice>
  );
  const isElsewhere = position !== choices.position;
  return (
    <div className="moe-TargetPicker-row">
      <span>
        {isElsewhere
          ? trans.__('predicted after the decoder’s last token')
          : trans.__('predicted next')}
      </span>
      <span className="moe-TargetPicker-choices">
        {top.map(token => choice(token, ''))}
      </span>
      {actual && !isElsewhere && attribution && (
        <>
          <span>{trans.__('in the prompt')}</span>
          <span className="moe-TargetPicker-choices">
            {choice(actual, 'actual')}
          </span>
        </>
      )}
    </div>
  );
}

function Experts(props: IChoicesProps): JSX.Element {
  const { choices, model, trans } = props;
  const router = choices.routers[model.router];
  const { experts, chosen, position, layer, stack, module } = router;
  const weights = new Map(chosen.map(own => [own.expert, own.weight]));
  const others = Array.from({ length: experts }, (_, e) => e).filter(
    expert => !weights.has(expert)
  );
  const choice = (expert: number): JSX.Element => {
    const weight = weights.get(expert);
    return (
      <Choice
        key={expert}
        {...props}
        target={{
          kind: 'router',
          position,
          layer,
          ...(stack ? { stack } : {}),
          ...(module ? { module } : {}),
          expert
        }}
        label={trans.__(
          'Explain the score of expert %1 of %2',
          expert,
          layerName(router)
        )}
        title={
          weight === undefined
            ? trans.__('not selected')
            : trans.__('selected, weight %1', weight.toFixed(3))
        }
      >
        {expert}
        {weight !== undefined && (
          <>
            {' '}
            <small>{weight.toFixed(2)}</small>
          </>
        )}
      </Choice>
    );
  };
  return (
    <div className="moe-TargetPicker-row">
      <label>
        <span>{trans.__('routed by')}</span>{' '}
        <Select
          label={trans.__('Router')}
          value={model.router}
          options={choices.routers.map((own, i) => [i, layerName(own)])}
          choose={index => {
            model.router = index;
          }}
        />{' '}
        <span>{trans.__('to expert')}</span>
      </label>
      <span className="moe-TargetPicker-choices">
        {chosen.map(own => choice(own.expert))}
        <span className="moe-TargetPicker-or">{trans.__('not to')}</span>
        {others.map(choice)}
      </span>
    </div>
  );
}

function Choice(
  props: IAttributionProps & {
    target: AskedTarget;
    label: string;
    title: string;
    children: React.ReactNode;
  }
): JSX.Element {
  const { model, target } = props;
  return (
    <button
      {...OWN_KEYS}
      type="button"
      className="moe-Button moe-TargetPicker-choice"
      aria-label={`${props.label} (${props.title})`}
      aria-pressed={model.isTarget(target)}
      title={props.title}
      disabled={!model.isLive}
      onClick={() => model.explain(target)}
    >
      {props.children}
    </button>
  );
}

function percent(probability: number | null): string {
  return probability === null ? '' : `${(100 * probability).toPrecision(2)} %`;
}
