import type { TranslationBundle } from '@jupyterlab/translation';
import type { Widget } from '@lumino/widgets';
import {
  describeExperts,
  type ToolName,
  type ToolState
} from 'moe-debugger/protocol';
import { ExpertsModel, ExpertsView } from './experts';
import type { ToolModel } from './model';

/** A tool as the page has it. */
export interface ITool {
  name: ToolName;
  model: ToolModel<ToolState, object>;
  view: Widget;
  /** What is shown, in words, for front ends that cannot draw it. */
  describe: () => string;
}

/** @throws ProtocolError when the state is not one of such a tool, or too large to draw */
export function createTool(
  name: ToolName,
  options: { modelName: string; state: unknown },
  trans: TranslationBundle
): ITool {
  switch (name) {
    case 'experts': {
      const model = new ExpertsModel(options);
      return {
        name,
        model,
        view: new ExpertsView({ model, trans }),
        describe: () => describeExperts(options.modelName, model.state)
      };
    }
  }
}

/** What the panel calls a tool. */
export function toolTitle(name: ToolName, trans: TranslationBundle): string {
  switch (name) {
    case 'experts':
      return trans.__('Expert selector');
  }
}
