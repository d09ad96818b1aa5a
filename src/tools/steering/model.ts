import type { SteeringAction, SteeringState } from 'moe-debugger/protocol';
import { ToolModel } from '../model';

/** Steering: its view remembers nothing that the kernel does not know. */
export class SteeringModel extends ToolModel<SteeringState, SteeringAction> {}
