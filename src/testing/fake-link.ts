import { Signal } from '@lumino/signaling';
import type { IToolLink } from '../tokens';

/** A tool in a kernel, which a test speaks for. */
export class FakeLink implements IToolLink {
  /** @param state of the tool, at first */
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
