import type { Finding } from 'moe-debugger/protocol';
import type { IToolProps } from '../tools/tool';
import type { FindingsModel } from './model';

/** What the list and its evidence share. */
export interface IFindingsProps extends IToolProps<FindingsModel> {
  /** Shows the layer of a finding, where something else can. */
  showLayer?: (finding: Finding) => void;
}
