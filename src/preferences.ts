import type { ISettingRegistry } from '@jupyterlab/settingregistry';
import { Signal, type ISignal } from '@lumino/signaling';
import type { Measure } from 'moe-debugger/protocol';
import type { ColorScheme, IPreferences } from './tokens';

/** The settings of `schema/plugin.json`; its defaults without a setting registry. */
export class Preferences implements IPreferences {
  get measure(): Measure {
    return this._read<Measure>('measure', 'weight');
  }

  get colorScheme(): ColorScheme {
    return this._read<ColorScheme>('colorScheme', 'auto');
  }

  get liveUpdates(): boolean {
    return this._read('liveUpdates', true);
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Uses the settings, once the server has sent them. */
  follow(settings: ISettingRegistry.ISettings): void {
    this._settings = settings;
    settings.changed.connect(() => this._changed.emit());
    this._changed.emit();
  }

  private _read<T>(key: string, fallback: T): T {
    return (
      (this._settings?.composite[key] as unknown as T | undefined) ?? fallback
    );
  }

  private _changed = new Signal<this, void>(this);
  private _settings: ISettingRegistry.ISettings | undefined;
}
