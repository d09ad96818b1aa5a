import type { ModelSummary } from 'moe-debugger/protocol';
import { useSignal } from '../../drawing';
import type { ITranslation } from '../../translation';
import { ListPanel } from '../list-panel';
import type { PanelModel } from '../model';
import type { ISectionOptions } from '../section';

interface IModelsProps {
  model: PanelModel;
  trans: ITranslation;
}

/** The models loaded in the notebook's kernel. */
export class ModelsPanel extends ListPanel {
  constructor({ model, context: { trans } }: ISectionOptions) {
    super(
      'moe-ModelsPanel',
      trans.__('Models'),
      <Models model={model} trans={trans} />
    );
  }
}

function Models({ model, trans }: IModelsProps): JSX.Element {
  useSignal(model.changed);
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
}

function Model(props: {
  model: ModelSummary;
  trans: ITranslation;
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
