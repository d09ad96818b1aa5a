import { useMemo } from 'react';
import { useSignal } from '../../drawing';
import { EditedTexts, GenerateForm } from '../edited-text';
import { Grid } from '../grid';
import type { IToolProps } from '../tool';
import { ExpertControls } from './controls';
import { ExpertGridSource } from './grid-source';
import { ExpertLine } from './line';
import type { ExpertsModel } from './model';

/** Prompt, grid and both texts. */
export function ExpertsView(props: IToolProps<ExpertsModel>): JSX.Element {
  const { model, trans } = props;
  const { edits, topK } = model.state;
  useSignal(model.changed);
  const source = useMemo(() => new ExpertGridSource(model, trans), [model]);
  const count = edits.length + topK.filter(k => k !== null).length;
  return (
    <div className="moe-ExpertsView">
      <GenerateForm {...props} />
      <ExpertControls {...props} />
      <Grid source={source} changed={model.changed} trans={trans} />
      <ExpertLine {...props} />
      <EditedTexts
        {...props}
        edits={count}
        title={
          count === 0
            ? trans.__('Edited')
            : trans._n('Edited · %1 edit', 'Edited · %1 edits', count)
        }
        advice={trans.__(
          'Choose an expert in the grid: what the model writes without it appears here.'
        )}
      />
    </div>
  );
}
