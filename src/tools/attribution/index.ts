import {
  readAttributionState,
  describeTokenAttribution
} from 'moe-debugger/protocol';
import { toolKind } from '../tool';
import { AttributionModel } from './model';
import { AttributionView } from './view';

export default toolKind({
  name: 'attribution',
  read: readAttributionState,
  describe: describeTokenAttribution,
  Model: AttributionModel,
  View: AttributionView
});
