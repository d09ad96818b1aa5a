/** A session that is loaded at first use. */
import type { Session } from './engine';
import type { SharedSession } from './session-pool';

export class LazySession {
  private _loaded?: Promise<SharedSession>;

  /** @param _load may be called again after a failure, or after `release` */
  constructor(private readonly _load: () => Promise<SharedSession>) {}

  async get(): Promise<Session> {
    const loaded = (this._loaded ??= this._load());
    try {
      return (await loaded).session;
    } catch (error) {
      this._loaded = undefined;
      throw error;
    }
  }

  /** Releases the session. Can be called repeatedly. */
  async release(): Promise<void> {
    const loaded = this._loaded;
    this._loaded = undefined;
    const session = await loaded?.catch(() => undefined);
    await session?.release();
  }
}
