import {
  readSteeringState,
  type SteeringAction,
  type SteeringState
} from 'moe-debugger/protocol';
import { ToolModel } from '../model';

export class SteeringModel extends ToolModel<SteeringState, SteeringAction> {
  constructor(options: { modelName: string; state: unknown }) {
    super({ ...options, read: readSteeringState });
  }
}
