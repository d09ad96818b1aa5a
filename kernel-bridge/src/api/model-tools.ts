/** The tools of a model, for a cell or the side panel: what `model.tools` holds. */
import type { ToolName } from '../base/protocol';
import type { ModelHandle } from '../run/model/loaded-model';
import type { RoutingTrace } from '../run/trace/routing-trace';
import {
  CircuitView,
  ExpertSelector,
  LayerLens,
  SteeringControls,
  SweepView,
  TokenAttribution,
  type CircuitViewOptions,
  type ExpertSelectorOptions,
  type LayerLensOptions,
  type SteeringControlsOptions,
  type SweepViewOptions,
  type TokenAttributionOptions
} from '../views/tools';
import type { ModelTool } from '../views/tools/model-tool';

/** The side panel opens a tool by its name, with the model's newest trace as initial content. */
type ToolMethods = {
  [Name in ToolName]: (options: {
    trace?: RoutingTrace;
  }) => ModelTool & { readonly name: Name };
};

/** Each method returns a new tool, and throws MoEDebuggerError 'input' when the model was disposed. */
export class ModelTools implements ToolMethods {
  private readonly _model: ModelHandle;

  /** @internal use `model.tools` */
  constructor(model: ModelHandle) {
    this._model = model;
  }

  /** A grid of layers and experts to edit, beside what the model writes with and without the edits. */
  experts(options: ExpertSelectorOptions = {}): ExpertSelector {
    return new ExpertSelector(this._usable(), options);
  }

  /** Top next tokens of each layer and each selected expert, under a layer slider. */
  lens(options: LayerLensOptions = {}): LayerLens {
    return new LayerLens(this._usable(), options);
  }

  /** Sliders over steering vectors, beside what the model writes with and without them. */
  steering(options: SteeringControlsOptions = {}): SteeringControls {
    return new SteeringControls(this._usable(), options);
  }

  /** What ablating each expert does, layer by expert, as it is measured. */
  sweep(options: SweepViewOptions = {}): SweepView {
    return new SweepView(this._usable(), options);
  }

  /** Which tokens a prediction or a routing decision comes from; a click chooses what is explained. */
  attribution(options: TokenAttributionOptions = {}): TokenAttribution {
    return new TokenAttribution(this._usable(), options);
  }

  /** The heads and experts by which the difference between two prompts reaches a target, to prune and to patch. */
  circuit(options: CircuitViewOptions = {}): CircuitView {
    return new CircuitView(this._usable(), options);
  }

  /** @throws MoEDebuggerError 'input' */
  protected _usable(): ModelHandle {
    this._model.loaded.checkUsable();
    return this._model;
  }
}
