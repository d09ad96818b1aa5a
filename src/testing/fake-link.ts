import { Signal } from '@lumino/signaling';
import type { IToolLink } from '../tokens';

/** The connection to a tool, controlled by a test. */
export class FakeLink implements IToolLink {
  /** @param state initial state of the tool */
  constructor(state: object) {
    this.state = { ...state };
  }

  isLive = true;
  state: Record<string, unknown> | undefined;
  readonly sent: object[] = [];
  readonly changed = new Signal<this, void>(this);

  send(action: object): void {
    this.sent.push(action);
  }

  tell(patch: object): void {
    this.state = { ...this.state, ...patch };
    this.changed.emit();
  }
}
