/** Findings: problems of a model's routing, as a list with their evidence. */
import { describeFindings, readFindingsState } from 'moe-debugger/protocol';
import { toolKind } from '../tools/tool';
import { FindingsModel } from './model';
import { FindingsView } from './view';

export { FindingsModel, FindingsView };

export default toolKind({
  name: 'findings',
  read: readFindingsState,
  describe: describeFindings,
  Model: FindingsModel,
  View: FindingsView
});
