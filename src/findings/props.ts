import type { Finding } from 'moe-debugger/protocol';
import type { IToolProps } from '../tools/tool';
import type { FindingsModel } from './model';

/** Properties of the list and of the evidence. */
export interface IFindingsProps extends IToolProps<FindingsModel> {
  /** Shows the layer of a finding in another view, if there is one. */
  showLayer?: (finding: Finding) => void;
}
