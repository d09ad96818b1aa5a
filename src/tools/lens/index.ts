import { readLensState, describeLens } from 'moe-debugger/protocol';
import { toolKind } from '../tool';
import { LensModel } from './model';
import { LensView } from './view';

export default toolKind({
  name: 'lens',
  read: readLensState,
  describe: describeLens,
  Model: LensModel,
  View: LensView
});
