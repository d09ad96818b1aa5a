/** Widget that explores the routing of prompts: a layer slider and a heatmap, synchronised with the cell that made it. */
import { viewBundle } from '../show/view-bundle';
import {
  currentKernel,
  MIMEBUNDLE,
  type Displayable,
  type JsonObject
} from '../base/kernel-api';
import {
  counted,
  encodeSample,
  layerName,
  PROTOCOL_VERSION,
  type Coverage,
  type EncodedView,
  type Measure,
  type RoutingSample,
  type ViewName
} from '../base/protocol';
import {
  DOMWidget,
  type DOMWidgetState,
  type Widget
} from '../show/widgets/widget';

export interface ExplorerOptions {
  /** Index of the first layer shown, into the captured layers: 0 is the first MoE layer. */
  layerIndex?: number;
  measure?: Measure;
}

/** State shared with the front end. */
export interface ExplorerState extends DOMWidgetState {
  layer_index: number;
  measure: Measure;
  /** Null while only an output shows the widget: the output contains the document. */
  view_document: EncodedView | null;
}

/** The front-end classes of explorers. */
export const EXPLORER_CLASSES = {
  model: 'RoutingExplorerModel',
  view: 'RoutingExplorerView'
} as const;

/**
 * In a plain program an explorer only draws charts; in a notebook it is a widget, created when it is first displayed,
 * whose layer and measure follow the slider.
 */
export class RoutingExplorer implements Displayable {
  readonly view: ViewName;
  private readonly _model: string;
  private readonly _samples: readonly RoutingSample[];
  private readonly _coverage: Coverage | undefined;
  private _layerIndex: number;
  private _measure: Measure;
  private _widget?: Widget<ExplorerState>;
  private readonly _observers = new Set<(layerIndex: number) => void>();

  /** @throws RangeError for a layer that does not exist */
  constructor(options: RoutingExplorer.IOptions) {
    this.view = options.view;
    this._model = options.model;
    this._samples = options.samples;
    this._coverage = options.coverage;
    this._layerIndex = this._checkLayer(options.layerIndex ?? 0);
    this._measure = options.measure ?? 'weight';
  }

  /** Index of the displayed layer, into the captured layers. */
  get layerIndex(): number {
    return this._layerIndex;
  }
  set layerIndex(index: number) {
    this._layerIndex = this._checkLayer(index);
    void this._widget?.set({ layer_index: index });
  }

  get measure(): Measure {
    return this._measure;
  }
  set measure(measure: Measure) {
    this._measure = measure;
    void this._widget?.set({ measure });
  }

  /** Called when the slider moves; returns a function that removes the callback. */
  onLayerChange(callback: (layerIndex: number) => void): () => void {
    this._observers.add(callback);
    return () => this._observers.delete(callback);
  }

  /** The widget, for layout in other widgets. @throws MoEDebuggerError outside the kernel */
  get widget(): Widget {
    const widget = this._link();
    if (widget.get('view_document') === null) {
      void widget.set({ view_document: this._document() });
    }
    return widget as unknown as Widget;
  }

  toString(): string {
    const [sample] = this._samples;
    return `RoutingExplorer of ${this._model}: ${counted(sample.layers.length, 'MoE layer')}, ${counted(this._samples.length, 'prompt')}, showing ${layerName(sample.layers[this._layerIndex])}`;
  }

  [MIMEBUNDLE](): Promise<JsonObject> {
    return viewBundle(
      {
        view: this.view,
        model: this._model,
        samples: this._samples,
        coverage: this._coverage,
        state: { layerIndex: this._layerIndex, measure: this._measure },
        ...(currentKernel() ? { widget: this._link().modelId } : {})
      },
      this.toString()
    );
  }

  private _link(): Widget<ExplorerState> {
    return (this._widget ??= this._makeWidget());
  }

  private _makeWidget(): Widget<ExplorerState> {
    const widget = new DOMWidget<ExplorerState>(EXPLORER_CLASSES, {
      layer_index: this._layerIndex,
      measure: this._measure,
      view_document: null
    });
    widget.observe('layer_index', index => this._follow(index));
    widget.observe('measure', measure => {
      if (measure === 'weight' || measure === 'probability') {
        this._measure = measure;
      }
    });
    return widget;
  }

  private _document(): EncodedView {
    return {
      version: PROTOCOL_VERSION,
      view: this.view,
      model: this._model,
      samples: this._samples.map(sample =>
        encodeSample(sample, { binary: true })
      ),
      state: { layerIndex: this._layerIndex, measure: this._measure },
      ...(this._coverage ? { coverage: this._coverage } : {})
    };
  }

  /** The index from the page is untrusted input. */
  private _follow(index: unknown): void {
    const layers = this._samples[0].layers.length;
    if (
      Number.isInteger(index) &&
      (index as number) >= 0 &&
      (index as number) < layers
    ) {
      this._layerIndex = index as number;
      for (const observer of this._observers) {
        observer(this._layerIndex);
      }
    }
  }

  private _checkLayer(index: number): number {
    const layers = this._samples[0].layers.length;
    if (!Number.isInteger(index) || index < 0 || index >= layers) {
      throw new RangeError(
        `there is no captured layer ${index}: indices run from 0 to ${layers - 1}`
      );
    }
    return index;
  }
}

export namespace RoutingExplorer {
  export interface IOptions extends ExplorerOptions {
    view: ViewName;
    /** The model's name. */
    model: string;
    samples: readonly RoutingSample[];
    coverage?: Coverage;
  }
}
