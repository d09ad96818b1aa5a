import { useSignal } from '../drawing';
import type { IViewProps } from './context';
import { sizeText } from './words';

/** What is shown, and of what. */
export function StatusLine({ context }: IViewProps): JSX.Element {
  const { source, network, trans } = context;
  useSignal(source.changed);
  useSignal(network.changed);
  const { trace, outline, isLive, isStale } = source;
  const experts = Math.max(
    0,
    ...(outline?.routers ?? []).map(own => own.experts)
  );
  const topK = Math.max(0, ...(outline?.routers ?? []).map(own => own.topK));
  const { layersCaptured = 0, moeLayers = 0 } = trace?.coverage ?? {};
  return (
    <footer className="moe-StatusLine" aria-label={trans.__('Status')}>
      <span>
        <i className={`moe-Light${isLive ? ' moe-mod-live' : ''}`} />
        {trace ? trans.__('%1 on %2', trace.model, source.name) : source.name}
        {isStale && `, ${trans.__('the kernel ended: what was read stays')}`}
      </span>
      {outline && (
        <>
          <span>
            {trans.__(
              '%1 MoE layers × %2 experts, top %3',
              outline.routers.length,
              experts,
              topK
            )}
          </span>
          <span>
            {sizeText(
              outline.tokens,
              outline.samples.length + outline.samplesOmitted,
              trans
            )}
          </span>
          <span>
            {layersCaptured === moeLayers
              ? trans.__('all %1 layers captured', moeLayers)
              : trans.__('%1 of %2 layers captured', layersCaptured, moeLayers)}
          </span>
        </>
      )}
    </footer>
  );
}
