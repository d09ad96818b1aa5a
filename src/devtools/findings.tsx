import {
  layerName,
  readFindingsState,
  type Finding
} from 'moe-debugger/protocol';
import { useEffect, useMemo } from 'react';
import { useSignal } from '../drawing';
import { FindingsModel, FindingsView } from '../findings';
import { showTokens, type IViewProps } from './context';
import { EmptyView } from './empty-view';
import { findingFilter } from './finding-filter';

/** The findings of the selected trace, when the user asks for them. */
export function Findings({ context }: IViewProps): JSX.Element {
  const { source, trans } = context;
  useSignal(source.changed);
  const { findings, trace, outline, isLive, isReading, error } = source;
  const name = trace?.model ?? '';
  const model = useMemo(() => {
    if (!findings) {
      return undefined;
    }
    return new FindingsModel({
      modelName: name,
      state: findings,
      read: readFindingsState
    });
  }, [findings, name]);
  useEffect(() => () => model?.dispose(), [model]);
  if (!outline || !trace) {
    return <EmptyView context={context} />;
  }
  return (
    <div className="moe-FindingsPage">
      <div className="moe-FindingsHead">
        <span className="moe-List-name" title={trace.label}>
          {trace.label}
        </span>
        <button
          className="moe-Button"
          disabled={!isLive || isReading || trace.running}
          onClick={() => source.diagnose()}
        >
          {isReading ? trans.__('Diagnosing…') : trans.__('Diagnose')}
        </button>
      </div>
      {error !== undefined && (
        <p className="moe-Refusal" role="alert">
          {error}
        </p>
      )}
      {model ? (
        <FindingsView
          model={model}
          trans={trans}
          showLayer={finding => showFinding(context, finding)}
        />
      ) : (
        <p className="moe-Message">
          {trace.running
            ? trans.__(
                'This trace is being written. It can be diagnosed when it is complete.'
              )
            : trans.__(
                'Press Diagnose: dead, overloaded, collapsed and specialised experts of this trace are listed here, with the tokens that show it.'
              )}
        </p>
      )}
    </div>
  );
}

/** Selects the layer and the expert of a finding, and lists its tokens. */
export function showFinding(
  context: IViewProps['context'],
  finding: Finding
): void {
  const { source, selection } = context;
  const layerIndex =
    source.outline?.routers.findIndex(
      router => layerName(router) === layerName(finding)
    ) ?? -1;
  selection.set({
    ...(layerIndex >= 0 ? { layerIndex } : {}),
    expert: finding.experts[0],
    token: undefined
  });
  showTokens(context, findingFilter(finding));
}
