/** Tools by name, as the side panel asks for them. */
import type { MoEModel } from '../model/moe-model';
import type { ToolName } from '../protocol';
import type { RoutingTrace } from '../trace/routing-trace';
import { ExpertSelector } from './expert-selector';
import type { ModelTool } from './model-tool';

/** @param trace the model's newest one, to begin with something */
export function createTool(
  name: ToolName,
  model: MoEModel,
  trace: RoutingTrace | undefined
): ModelTool {
  switch (name) {
    case 'experts':
      return new ExpertSelector(model, { trace });
  }
}
