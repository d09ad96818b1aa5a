import type { TraceSummary } from 'moe-debugger/protocol';
import { useSignal } from '../../drawing';
import type { ITranslation } from '../../translation';
import { ListPanel } from '../list-panel';
import type { PanelModel } from '../model';
import type { ISectionOptions } from '../section';

interface ITracesProps {
  model: PanelModel;
  trans: ITranslation;
}

/** The kernel's latest traces; a click selects one. */
export class TracesPanel extends ListPanel {
  constructor({ model, context: { trans } }: ISectionOptions) {
    super(
      'moe-TracesPanel',
      trans.__('Traces'),
      <Traces model={model} trans={trans} />
    );
  }
}

function Traces({ model, trans }: ITracesProps): JSX.Element {
  useSignal(model.changed);
  const { follower } = model;
  return !follower || follower.traces.length === 0 ? (
    <p className="moe-Message">
      {trans.__('The traces of this kernel will be listed here.')}
    </p>
  ) : (
    <ul className="moe-List" aria-label={trans.__('Traces')}>
      {follower.traces.map(trace => (
        <Trace
          key={trace.id}
          trace={trace}
          isSelected={trace.id === follower.selected}
          select={() => follower.select(trace.id)}
          trans={trans}
        />
      ))}
    </ul>
  );
}

function Trace(props: {
  trace: TraceSummary;
  isSelected: boolean;
  select: () => void;
  trans: ITranslation;
}): JSX.Element {
  const { trace, isSelected, select, trans } = props;
  return (
    <li>
      <button
        className="moe-List-item"
        aria-current={isSelected}
        title={trace.label}
        onClick={select}
      >
        <span className="moe-List-name">{trace.label}</span>
        <time
          className="moe-List-status"
          dateTime={new Date(trace.created).toISOString()}
        >
          {new Date(trace.created).toLocaleTimeString()}
        </time>
        <span className="moe-List-detail">
          {[
            ...(trace.edits
              ? [trans._n('%1 edit', '%1 edits', trace.edits)]
              : []),
            trace.model,
            trans._n('%1 sample', '%1 samples', trace.samples),
            trace.running
              ? trans.__('being written…')
              : trans._n('%1 token', '%1 tokens', trace.coverage.tokens),
            trans.__(
              '%1 of %2 layers',
              trace.coverage.layersCaptured,
              trace.coverage.moeLayers
            )
          ].join(' · ')}
        </span>
      </button>
    </li>
  );
}
