import type { SweepMode } from 'moe-debugger/protocol';
import { useMemo } from 'react';
import { Select, useDraft, useSignal } from '../../drawing';
import { ToolBody } from '../body';
import { Grid } from '../grid';
import { PromptForm } from '../prompt-form';
import type { IToolProps } from '../tool';
import { SweepDetail } from './detail';
import { SweepGridSource } from './grid-source';
import type { SweepModel } from './model';

/** Prompts, the grid of effects, and the tokens of the selected expert. */
export function SweepView(props: IToolProps<SweepModel>): JSX.Element {
  const { model, trans } = props;
  const { sweep } = model.state;
  useSignal(model.changed);
  const source = useMemo(() => new SweepGridSource(model, trans), [model]);
  return (
    <div className="moe-SweepView">
      <ToolBody
        model={model}
        form={<SweepForm {...props} />}
        progress={{
          label: trans.__('Pairs of prompt and expert measured'),
          done: sweep?.done ?? 0,
          total: sweep?.total ?? 0
        }}
        empty={
          model.isRunning
            ? trans.__('Measuring…')
            : trans.__(
                'Type prompts and press Sweep: the effect of ablating each expert appears here.'
              )
        }
      >
        {sweep && (
          <>
            <Grid source={source} changed={model.changed} trans={trans} />
            <SweepDetail {...props} />
          </>
        )}
      </ToolBody>
    </div>
  );
}

function SweepForm({ model, trans }: IToolProps<SweepModel>): JSX.Element {
  const { prompts, mode } = model.state;
  const [chosen, choose] = useDraft<SweepMode>(mode);
  return (
    <PromptForm
      model={model}
      prompt={prompts}
      isLines
      label={trans.__('Prompts, one per line')}
      placeholder={trans.__('One prompt per line')}
      action={trans.__('Sweep')}
      submit={typed =>
        model.send({ do: 'sweep', prompts: typed, mode: chosen })
      }
      trans={trans}
    >
      <label>
        <span>{trans.__('by')}</span>
        <Select
          label={trans.__('How each expert is ablated')}
          value={chosen}
          options={[
            ['mask', trans.__('mask')],
            ['drop', trans.__('drop')]
          ]}
          disabled={!model.isLive}
          choose={choose}
        />
      </label>
    </PromptForm>
  );
}
