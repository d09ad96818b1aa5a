import type { IViewContext } from './context';

/** Why there is nothing to show, and what to do. */
export function EmptyView({ context }: { context: IViewContext }): JSX.Element {
  const { source, trans } = context;
  const { error, isReading, models, traces, isLive } = source;
  return (
    <div className="moe-EmptyView" role="status">
      <p>
        {error !== undefined
          ? trans.__('This trace cannot be shown: %1', error)
          : isReading
            ? trans.__('Reading the trace…')
            : !isLive
              ? trans.__(
                  'The kernel of this notebook is not connected. Run a cell that loads a model and traces a prompt.'
                )
              : models.length === 0
                ? trans.__(
                    'No model is loaded. Run a cell with loadModel, then trace a prompt.'
                  )
                : traces.length === 0
                  ? trans.__(
                      'The model is loaded and nothing is traced yet. Run a cell with model.trace.'
                    )
                  : trans.__('Choose a trace in the side panel.')}
      </p>
    </div>
  );
}
