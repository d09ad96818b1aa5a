import type { TranslationBundle } from '@jupyterlab/translation';
import type { Widget } from '@lumino/widgets';
import {
  describeCircuitView,
  describeExperts,
  describeFindings,
  describeLens,
  describeSteering,
  describeSweep,
  describeTokenAttribution,
  type DocumentView,
  type ToolName,
  type ToolState
} from 'moe-debugger/protocol';
import { FindingsModel, FindingsView } from '../findings';
import { AttributionModel, AttributionView } from './attribution';
import { CircuitModel, CircuitView } from './circuit';
import { ExpertsModel, ExpertsView } from './experts';
import { LensModel, LensView } from './lens';
import type { ToolModel } from './model';
import { SteeringModel, SteeringView } from './steering';
import { SweepModel, SweepView } from './sweep';

/** A tool as the page has it. */
export interface ITool {
  name: DocumentView;
  model: ToolModel<ToolState, object>;
  view: Widget;
  /** What is shown, in words, for front ends that cannot draw it. */
  describe: () => string;
}

/** @throws ProtocolError when the state is not one of such a tool, or too large to draw */
export function createTool(
  name: DocumentView,
  options: { modelName: string; state: unknown },
  trans: TranslationBundle
): ITool {
  switch (name) {
    case 'attribution': {
      const model = new AttributionModel(options);
      return {
        name,
        model,
        view: new AttributionView({ model, trans }),
        describe: () => describeTokenAttribution(options.modelName, model.state)
      };
    }
    case 'circuit': {
      const model = new CircuitModel(options);
      return {
        name,
        model,
        view: new CircuitView({ model, trans }),
        describe: () => describeCircuitView(options.modelName, model.state)
      };
    }
    case 'experts': {
      const model = new ExpertsModel(options);
      return {
        name,
        model,
        view: new ExpertsView({ model, trans }),
        describe: () => describeExperts(options.modelName, model.state)
      };
    }
    case 'findings': {
      const model = new FindingsModel(options);
      return {
        name,
        model,
        view: new FindingsView({ model, trans }),
        describe: () => describeFindings(options.modelName, model.state)
      };
    }
    case 'lens': {
      const model = new LensModel(options);
      return {
        name,
        model,
        view: new LensView({ model, trans }),
        describe: () => describeLens(options.modelName, model.state)
      };
    }
    case 'steering': {
      const model = new SteeringModel(options);
      return {
        name,
        model,
        view: new SteeringView({ model, trans }),
        describe: () => describeSteering(options.modelName, model.state)
      };
    }
    case 'sweep': {
      const model = new SweepModel(options);
      return {
        name,
        model,
        view: new SweepView({ model, trans }),
        describe: () => describeSweep(options.modelName, model.state)
      };
    }
  }
}

/** What the panel calls a tool. */
export function toolTitle(name: ToolName, trans: TranslationBundle): string {
  switch (name) {
    case 'attribution':
      return trans.__('Token attribution');
    case 'circuit':
      return trans.__('Circuit');
    case 'experts':
      return trans.__('Expert selector');
    case 'lens':
      return trans.__('Layer lens');
    case 'steering':
      return trans.__('Steering');
    case 'sweep':
      return trans.__('Sweep');
  }
}
