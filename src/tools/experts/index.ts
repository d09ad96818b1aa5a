import { readExpertsState, describeExperts } from 'moe-debugger/protocol';
import { toolKind } from '../tool';
import { ExpertsModel } from './model';
import { ExpertsView } from './view';

export default toolKind({
  name: 'experts',
  read: readExpertsState,
  describe: describeExperts,
  Model: ExpertsModel,
  View: ExpertsView
});
