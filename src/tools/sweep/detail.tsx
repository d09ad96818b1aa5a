import { tokenText, type SweepMeasure } from 'moe-debugger/charts';
import {
  layerName,
  type SweepRow,
  type SweepToken
} from 'moe-debugger/protocol';
import { OWN_KEYS, Select } from '../../drawing';
import type { ITranslation } from '../../translation';
import { ColorScale } from '../color-scale';
import { FigureLine } from '../figure-line';
import { figureText, signed } from '../figure-text';
import type { IToolProps } from '../tool';
import type { SweepModel } from './model';

type IDetailProps = IToolProps<SweepModel>;

const LONGEST_BEFORE = 60;

/** Under the grid: the colour scale, and the selected expert with the tokens that change most. */
export function SweepDetail(props: IDetailProps): JSX.Element {
  return (
    <div className="moe-SweepDetail">
      <Legend {...props} />
      <Expert {...props} />
      <Coverage {...props} />
    </div>
  );
}

function Legend({ model, trans }: IDetailProps): JSX.Element {
  const measures: [SweepMeasure, string][] = [
    ['klMean', trans.__('mean KL')],
    ['klLast', trans.__('KL at the last token')],
    ['deltaLogProb', trans.__('change of log-probability')],
    ['deltaRank', trans.__('change of rank')]
  ];
  const isSigned =
    model.measure === 'deltaLogProb' || model.measure === 'deltaRank';
  return (
    <div className="moe-ExpertLine">
      <Select
        label={trans.__('What the colours show')}
        value={model.measure}
        options={measures}
        choose={measure => {
          model.measure = measure;
        }}
      />
      <ColorScale
        from={isSigned ? figureText(-model.peak) : '0'}
        to={figureText(model.peak)}
        isSigned={isSigned}
      />
    </div>
  );
}

function Expert({ model, trans }: IDetailProps): JSX.Element {
  const { cursor } = model;
  const router = model.state.sweep!.routers[cursor.row];
  const row = model.at(cursor);
  const name = trans.__('%1, expert %2', layerName(router), cursor.expert);
  return (
    <section
      {...OWN_KEYS}
      className="moe-SweepExpert"
      aria-label={name}
      aria-live="polite"
      tabIndex={0}
    >
      <h4>{name}</h4>
      {row ? (
        <>
          <Figures row={row} trans={trans} />
          <Tokens tokens={row.tokens} trans={trans} />
        </>
      ) : (
        <p className="moe-Message">
          {trans.__('This expert was not measured.')}
        </p>
      )}
    </section>
  );
}

function Figures(props: { row: SweepRow; trans: ITranslation }): JSX.Element {
  const { row, trans } = props;
  const figures: [string, string][] = [
    [trans.__('tokens that select it'), String(row.tokensAffected)],
    [trans.__('mean KL'), figureText(row.klMean)],
    [trans.__('KL at the last token'), figureText(row.klLast)],
    [
      trans.__('change of log-probability'),
      signed(figureText(row.deltaLogProb))
    ],
    [trans.__('change of rank'), signed(row.deltaRank?.toFixed(1) ?? '–')]
  ];
  return <FigureLine figures={figures} />;
}

function Tokens(props: {
  tokens: readonly SweepToken[];
  trans: ITranslation;
}): JSX.Element {
  const { tokens, trans } = props;
  if (tokens.length === 0) {
    return (
      <p className="moe-Message">
        {trans.__('No token selects this expert, so no prediction changes.')}
      </p>
    );
  }
  return (
    <table aria-label={trans.__('Tokens whose prediction changed most')}>
      <thead>
        <tr>
          <th scope="col">{trans.__('KL')}</th>
          <th scope="col" className="moe-mod-wrap">
            {trans.__('token with the changed prediction')}
          </th>
          <th scope="col">{trans.__('prompt')}</th>
        </tr>
      </thead>
      <tbody>
        {tokens.map((token, i) => (
          <tr key={i}>
            <td className="moe-mod-number">{figureText(token.kl)}</td>
            <td className="moe-SweepExpert-place">
              <span className="moe-SweepExpert-before">
                {(token.before ?? '').slice(-LONGEST_BEFORE)}
              </span>
              <mark>{tokenText(token)}</mark>
            </td>
            <td>{token.prompt}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Coverage({ model, trans }: IDetailProps): JSX.Element {
  const { done, total, prompts, tokens, mode, notes } = model.state.sweep!;
  return (
    <p className="moe-RoutingView-coverage">
      {[
        trans.__('%1 of %2 pairs of prompt and expert', done, total),
        trans._n('%1 prompt', '%1 prompts', prompts),
        trans._n('%1 token', '%1 tokens', tokens),
        trans.__('by %1', mode),
        ...notes
      ].join(' · ')}
    </p>
  );
}
