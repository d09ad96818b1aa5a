import type { ISignal } from '@lumino/signaling';
import type { ModelSummary } from 'moe-debugger/protocol';
import type { KernelChannel } from './channel';

/** What tools and questions need of a followed kernel. */
export interface IFollowedKernel {
  /** Emitted when the channel or the models change. */
  readonly changed: ISignal<unknown, void>;
  /** Undefined while nothing can be sent. */
  readonly channel: KernelChannel | undefined;
  readonly models: readonly ModelSummary[];
}
