import { readCircuitState, describeCircuitView } from 'moe-debugger/protocol';
import { toolKind } from '../tool';
import { CircuitModel } from './model';
import { CircuitView } from './view';

export default toolKind({
  name: 'circuit',
  read: readCircuitState,
  describe: describeCircuitView,
  Model: CircuitModel,
  View: CircuitView
});
