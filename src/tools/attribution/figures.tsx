import { tokenLabel } from 'moe-debugger/charts';
import { layerName, type AttributeDocument } from 'moe-debugger/protocol';
import { OWN_KEYS } from '../../drawing';
import { FigureLine } from '../figure-line';
import { figureText, signedFigure } from '../figure-text';
import type { IAttributionProps } from './props';

/** The explained target, the sum of the attributions, and their faithfulness. */
export function Figures(props: IAttributionProps): JSX.Element {
  const { model, trans } = props;
  const attribution = model.state.attribution!;
  const { value, baselineValue, gap, warnings } = attribution;
  const figures: [string, string][] = [
    [trans.__('value'), figureText(value).replace('-', '−')],
    [trans.__('at the baseline'), figureText(baselineValue).replace('-', '−')],
    [
      trans.__('sum of attributions'),
      figureText(value - baselineValue + gap).replace('-', '−')
    ],
    [trans.__('completeness gap'), gapText(attribution)]
  ];
  return (
    <section
      className="moe-SweepExpert"
      aria-label={trans.__('Explained target')}
      aria-live="polite"
    >
      <h4>
        <Target {...props} />
      </h4>
      <FigureLine figures={figures} />
      {warnings.map((warning, i) => (
        <p key={i} className="moe-Warning" role="note">
          {warning}
        </p>
      ))}
      <FaithfulnessFigures {...props} />
    </section>
  );
}

function Target({ model, trans }: IAttributionProps): JSX.Element {
  const { target, tokens } = model.state.attribution!;
  const at = tokens[target.position] as
    AttributeDocument['tokens'][number] | undefined;
  const after = at && target.stack !== 'decoder' && (
    <code>{tokenLabel(at)}</code>
  );
  return target.kind === 'router' ? (
    <>
      {trans.__(
        'Score of %1, expert %2, at token %3',
        layerName({
          layer: target.layer!,
          stack: target.stack,
          module: target.module
        }),
        target.expert!,
        target.position
      )}{' '}
      {after}
    </>
  ) : (
    <>
      {target.kind === 'logit'
        ? trans.__('Logit of')
        : trans.__('Log-probability of')}{' '}
      <code>
        {tokenLabel({
          position: target.position,
          id: target.token!,
          text: target.text
        })}
      </code>{' '}
      {trans.__('after token %1', target.position)} {after}
    </>
  );
}

/** The gap, and its share of the total to be attributed. */
function gapText({ gap, value, baselineValue }: AttributeDocument): string {
  const percent = 100 * Math.abs(gap / (value - baselineValue));
  const part = Number.isFinite(percent)
    ? ` (${percent < 10 ? percent.toPrecision(2) : percent.toFixed(0)} %)`
    : '';
  return signedFigure(gap) + part;
}

/** Deletion and insertion compared with random orders; measured on request, since it takes hundreds of runs. */
function FaithfulnessFigures({ model, trans }: IAttributionProps): JSX.Element {
  const { faithfulness } = model.state.attribution!;
  if (!faithfulness) {
    return (
      <button
        {...OWN_KEYS}
        className="moe-Button"
        disabled={!model.isLive || model.state.running}
        title={trans.__(
          'The target while the most attributed tokens are replaced first (deletion) or inserted first (insertion), compared with random orders'
        )}
        onClick={() => model.send({ do: 'faithfulness' })}
      >
        {trans.__('Measure faithfulness')}
      </button>
    );
  }
  const { deletionMean, insertionMean, random } = faithfulness;
  const rows: [string, string, number, number, number][] = [
    [
      trans.__('deletion'),
      trans.__('lower is better'),
      deletionMean,
      random.deletionMean,
      random.deletionDeviation
    ],
    [
      trans.__('insertion'),
      trans.__('higher is better'),
      insertionMean,
      random.insertionMean,
      random.insertionDeviation
    ]
  ];
  return (
    <table aria-label={trans.__('Faithfulness')}>
      <thead>
        <tr>
          <th scope="col">{trans.__('mean of the target')}</th>
          <th scope="col">{trans.__('this order')}</th>
          <th scope="col">
            {trans._n('%1 random order', '%1 random orders', random.orders)}
          </th>
        </tr>
      </thead>
      <tbody>
        {rows.map(([name, better, own, mean, deviation]) => (
          <tr key={name}>
            <th scope="row" title={better}>
              {name} <small>{better}</small>
            </th>
            <td className="moe-mod-number">{figureText(own)}</td>
            <td className="moe-mod-number">
              {figureText(mean)} ± {figureText(deviation)}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
