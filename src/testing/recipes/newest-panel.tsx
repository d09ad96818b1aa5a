import { useSignal } from '../../drawing';
import { ListPanel } from '../../panels/list-panel';
import type { ISectionKind, ISectionOptions } from '../../panels/section';

/** The newest trace of each model that the kernel has. */
export class NewestPanel extends ListPanel {
  constructor(options: ISectionOptions) {
    const { trans } = options.context;
    super('moe-NewestPanel', trans.__('Newest'), <Newest {...options} />);
  }
}

function Newest({ model, context }: ISectionOptions): JSX.Element {
  const { trans } = context;
  // Draws again when the notebook, its kernel or the kernel's models and traces change.
  useSignal(model.changed);
  const { models = [], traces = [] } = model.follower ?? {};
  return models.length === 0 ? (
    <p className="moe-Message">{trans.__('No model is loaded.')}</p>
  ) : (
    <ul className="moe-List" aria-label={trans.__('Newest traces')}>
      {models.map(({ id, name }) => (
        <li key={id} className="moe-List-item">
          <span className="moe-List-name">{name}</span>
          <span className="moe-List-detail">
            {traces.find(trace => trace.modelId === id)?.label ??
              trans.__('not traced')}
          </span>
        </li>
      ))}
    </ul>
  );
}

/** The row of SECTIONS. */
export const newest: ISectionKind = {
  id: 'newest',
  create: options => new NewestPanel(options),
  share: 1,
  isClosed: true
};
