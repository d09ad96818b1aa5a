import {
  describeSteering,
  readSteeringState,
  type SteeringAction,
  type SteeringState
} from 'moe-debugger/protocol';
import { ToolModel } from '../model';
import { toolKind } from '../tool';
import { SteeringView } from './view';

export default toolKind({
  name: 'steering',
  read: readSteeringState,
  describe: describeSteering,
  Model: ToolModel<SteeringState, SteeringAction>,
  View: SteeringView
});
