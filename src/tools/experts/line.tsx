import { layerName } from 'moe-debugger/protocol';
import { Select } from '../../drawing';
import { ColorScale } from '../color-scale';
import type { IToolProps } from '../tool';
import { editText } from './kinds';
import type { ExpertsModel } from './model';

type ILineProps = IToolProps<ExpertsModel>;

/** The line under the grid: the colour scale, and the expert at the cursor or the next step. */
export function ExpertLine(props: ILineProps): JSX.Element {
  return (
    <div className="moe-ExpertLine">
      <Line {...props} />
      <Scale {...props} />
    </div>
  );
}

function Line({ model, trans }: ILineProps): JSX.Element {
  const { refusal, rows } = model.state;
  if (refusal && refusal.row === null) {
    return (
      <span className="moe-Refusal" role="alert">
        {refusal.text}
      </span>
    );
  }
  const { swapping, cursor } = model;
  if (swapping) {
    return (
      <span role="status">
        {trans.__(
          'Choose the expert of %1 that runs in place of expert %2; Escape to stop.',
          layerName(rows[swapping.row]),
          swapping.expert
        )}
      </span>
    );
  }
  const rate = model.rates(cursor.row)?.[cursor.expert];
  const edit = model.editAt(cursor);
  return (
    <span>
      {[
        trans.__('%1, expert %2', layerName(rows[cursor.row]), cursor.expert),
        rate === undefined
          ? trans.__('no token rate yet')
          : trans.__('token rate %1', rate.toFixed(3)),
        ...(edit ? [editText(edit, trans)] : [])
      ].join(' · ')}
    </span>
  );
}

function Scale({ model, trans }: ILineProps): JSX.Element | null {
  const { ceiling } = model;
  if (ceiling === 0) {
    return null;
  }
  return (
    <ColorScale from="0" to={ceiling.toFixed(2)}>
      <label>
        <span className="moe-ExpertLine-unit">{trans.__('token rate')}</span>
        <Select
          label={trans.__('Run whose token rates colour the grid')}
          value={model.side}
          options={[
            ['original', trans.__('original')],
            ['edited', trans.__('edited')]
          ]}
          disabled={!model.state.edited?.rates}
          choose={side => {
            model.side = side;
          }}
        />
      </label>
    </ColorScale>
  );
}
