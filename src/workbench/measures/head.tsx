import type { ITranslation } from '../../translation';
import { ReactWidget } from '@jupyterlab/ui-components';
import { FIGURE_NAMES, type FigureName } from 'moe-debugger/protocol';
import { OWN_KEYS } from '../../drawing';

export interface IMeasuresChoice {
  name: FigureName;
  layerIndex: number;
}

interface IHeadProps {
  /** Names of the layers; empty before the first answer. */
  layers: readonly string[];
  choice: IMeasuresChoice;
  /** If set, nothing can be selected, for this reason. */
  advice?: string;
  error?: string;
  choose: (choice: IMeasuresChoice) => void;
}

/** Selects measure and layer. Drawn again at `update`. */
export class MeasuresHead extends ReactWidget {
  constructor(
    private _props: () => IHeadProps,
    private _trans: ITranslation
  ) {
    super();
  }

  protected override render(): JSX.Element {
    return <Head {...this._props()} trans={this._trans} />;
  }
}

function Head({
  layers,
  choice,
  advice,
  error,
  choose,
  trans
}: IHeadProps & { trans: ITranslation }): JSX.Element {
  if (advice !== undefined) {
    return <p className="moe-Message">{advice}</p>;
  }
  const names: Record<FigureName, string> = {
    loads: trans.__('Load of each expert'),
    coactivation: trans.__('Coactivation'),
    similarity: trans.__('Similarity of tokens'),
    domains: trans.__('Domains'),
    overTime: trans.__('Over time')
  };
  return (
    <>
      <div className="moe-MeasuresHead">
        <select
          {...OWN_KEYS}
          aria-label={trans.__('Measure')}
          value={choice.name}
          onChange={event =>
            choose({ ...choice, name: event.target.value as FigureName })
          }
        >
          {FIGURE_NAMES.map(name => (
            <option key={name} value={name}>
              {names[name]}
            </option>
          ))}
        </select>
        <select
          {...OWN_KEYS}
          aria-label={trans.__('Layer of the measure')}
          value={choice.layerIndex}
          disabled={layers.length === 0}
          onChange={event =>
            choose({ ...choice, layerIndex: Number(event.target.value) })
          }
        >
          {layers.map((layer, i) => (
            <option key={i} value={i}>
              {layer}
            </option>
          ))}
        </select>
      </div>
      {error !== undefined && (
        <p className="moe-Refusal" role="alert">
          {error}
        </p>
      )}
    </>
  );
}
