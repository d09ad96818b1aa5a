import { readSteeringState, describeSteering } from 'moe-debugger/protocol';
import { toolKind } from '../tool';
import { SteeringModel } from './model';
import { SteeringView } from './view';

export default toolKind({
  name: 'steering',
  read: readSteeringState,
  describe: describeSteering,
  Model: SteeringModel,
  View: SteeringView
});
