import { ReactWidget, UseSignal } from '@jupyterlab/ui-components';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { ModelSummary } from 'moe-debugger/protocol';
import type { PanelModel } from '../model';

interface IModelsProps {
  model: PanelModel;
  trans: TranslationBundle;
}

/** The models loaded in the notebook's kernel. */
export class ModelsPanel extends ReactWidget {
  constructor(private _props: IModelsProps) {
    super();
    this.addClass('moe-ModelsPanel');
    this.title.label = _props.trans.__('Models');
    // It scrolls when the sections above take its room.
    this.node.tabIndex = 0;
  }

  protected override render(): JSX.Element {
    const { model, trans } = this._props;
    return (
      <UseSignal signal={model.changed}>
        {() => {
          const models = model.follower?.models ?? [];
          return models.length === 0 ? (
            <p className="moe-Message">
              {trans.__('No model is loaded in this kernel.')}
            </p>
          ) : (
            <ul className="moe-List">
              {models.map(each => (
                <Model key={each.id} model={each} trans={trans} />
              ))}
            </ul>
          );
        }}
      </UseSignal>
    );
  }
}

function Model(props: {
  model: ModelSummary;
  trans: TranslationBundle;
}): JSX.Element {
  const { model, trans } = props;
  const status: Record<ModelSummary['status'], string> = {
    loading: trans.__('loading'),
    ready: trans.__('ready'),
    running: trans.__('running'),
    disposed: trans.__('disposed')
  };
  return (
    <li className="moe-List-item" title={model.path}>
      <span className="moe-List-name">{model.name}</span>
      <span className="moe-List-status" data-status={model.status}>
        {status[model.status]}
      </span>
      <span className="moe-List-detail">
        {trans._n(
          '%1 MoE layer, %2 experts, top %3',
          '%1 MoE layers, %2 experts, top %3',
          model.layers.length,
          model.experts,
          model.topK
        )}
      </span>
    </li>
  );
}
