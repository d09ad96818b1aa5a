import type { ISignal } from '@lumino/signaling';
import type { ModelSummary } from 'moe-debugger/protocol';
import type { KernelChannel } from './channel';

/** What tools and questions need to know of the kernel that they are sent to. */
export interface IFollowedKernel {
  /** Another channel, or other models. */
  readonly changed: ISignal<unknown, void>;
  /** Undefined while nothing can be sent. */
  readonly channel: KernelChannel | undefined;
  readonly models: readonly ModelSummary[];
}
