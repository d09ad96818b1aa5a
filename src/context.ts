import type { IThemeManager } from '@jupyterlab/apputils';
import type { ITranslation } from './translation';
import { DisposableDelegate, type IDisposable } from '@lumino/disposable';
import { Signal, type ISignal } from '@lumino/signaling';
import type { RoutingModel } from './routing';
import type {
  ILiveModel,
  ILiveRegistry,
  IMoEContext,
  IPreferences,
  IRoutingViews,
  IToolLink
} from './tokens';

/** The state that the extension's views share, for the lifetime of the page. */
export class MoEContext implements IMoEContext {
  constructor(private _options: MoEContext.IOptions) {
    _options.themes?.themeChanged.connect(() => {
      this._themeChanged.emit();
    });
  }

  readonly views: IRoutingViews = new RoutingViews();
  readonly liveModels: ILiveRegistry<ILiveModel> = new LiveRegistry();
  readonly liveTools: ILiveRegistry<IToolLink> = new LiveRegistry();

  get trans(): ITranslation {
    return this._options.trans;
  }

  get preferences(): IPreferences {
    return this._options.preferences;
  }

  get themeChanged(): ISignal<this, void> {
    return this._themeChanged;
  }

  get isLight(): boolean {
    const { themes } = this._options;
    // No theme is loaded yet.
    return themes?.theme ? themes.isLight(themes.theme) : true;
  }

  private _themeChanged = new Signal<this, void>(this);
}

export namespace MoEContext {
  export interface IOptions {
    trans: ITranslation;
    preferences: IPreferences;
    /** Absent in an application without themes, which counts as light. */
    themes?: IThemeManager | null;
  }
}

class RoutingViews implements IRoutingViews {
  get current(): RoutingModel | null {
    return this._stack[this._stack.length - 1] ?? null;
  }

  get currentChanged(): ISignal<this, RoutingModel | null> {
    return this._currentChanged;
  }

  add(model: RoutingModel): IDisposable {
    this._stack.unshift(model);
    this._announce();
    return new DisposableDelegate(() => {
      this._stack = this._stack.filter(each => each !== model);
      this._announce();
    });
  }

  activate(model: RoutingModel): void {
    if (this._stack.includes(model)) {
      this._stack = [...this._stack.filter(each => each !== model), model];
      this._announce();
    }
  }

  private _announce(): void {
    if (this._announced !== this.current) {
      this._announced = this.current;
      this._currentChanged.emit(this.current);
    }
  }

  private _announced: RoutingModel | null = null;
  private _currentChanged = new Signal<this, RoutingModel | null>(this);
  /** The most recently used model is last. */
  private _stack: RoutingModel[] = [];
}

class LiveRegistry<T> implements ILiveRegistry<T> {
  get changed(): ISignal<this, string> {
    return this._changed;
  }

  get(id: string): T | undefined {
    return this._entries.get(id);
  }

  add(id: string, entry: T): IDisposable {
    this._entries.set(id, entry);
    this._changed.emit(id);
    return new DisposableDelegate(() => {
      if (this._entries.get(id) === entry) {
        this._entries.delete(id);
        this._changed.emit(id);
      }
    });
  }

  private _changed = new Signal<this, string>(this);
  private _entries = new Map<string, T>();
}
