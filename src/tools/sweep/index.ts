import { readSweepState, describeSweep } from 'moe-debugger/protocol';
import { toolKind } from '../tool';
import { SweepModel } from './model';
import { SweepView } from './view';

export default toolKind({
  name: 'sweep',
  read: readSweepState,
  describe: describeSweep,
  Model: SweepModel,
  View: SweepView
});
