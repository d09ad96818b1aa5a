/** Creates tools by name for the side panel. */
import type { ModelHandle } from '../../run/model/loaded-model';
import type { ToolName } from '../../base/protocol';
import type { RoutingTrace } from '../../run/trace/routing-trace';
import { CircuitView } from './circuit-view';
import { ExpertSelector } from './expert-selector';
import { LayerLens } from './layer-lens';
import type { ModelTool } from './model-tool';
import { SteeringControls } from './steering-controls';
import { SweepView } from './sweep-view';
import { TokenAttribution } from './token-attribution';

/** @param trace the model's newest one, as initial content */
export function createTool(
  name: ToolName,
  model: ModelHandle,
  trace: RoutingTrace | undefined
): ModelTool {
  switch (name) {
    case 'circuit':
      return new CircuitView(model, { trace });
    case 'experts':
      return new ExpertSelector(model, { trace });
    case 'lens':
      return new LayerLens(model, { trace });
    case 'attribution':
      return new TokenAttribution(model, { trace });
    case 'steering':
      return new SteeringControls(model, { trace });
    case 'sweep':
      return new SweepView(model, { trace });
  }
}
