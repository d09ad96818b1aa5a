import type { IDisposable } from '@lumino/disposable';
import type { RoutingModel } from './model';
import type { ILiveModel, ILiveRegistry } from '../tokens';

/** Synchronises layer and measure of a view with its live widget, while that exists. */
export class LiveLink implements IDisposable {
  constructor(private _options: LiveLink.IOptions) {
    _options.liveModels.changed.connect(this._onModels, this);
    _options.model.changed.connect(this._onView, this);
    this._attach();
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    if (this._isDisposed) {
      return;
    }
    this._isDisposed = true;
    this._options.liveModels.changed.disconnect(this._onModels, this);
    this._options.model.changed.disconnect(this._onView, this);
    this._live?.changed.disconnect(this._onLive, this);
    this._live = undefined;
  }

  private _onModels(_: ILiveRegistry<ILiveModel>, id: string): void {
    if (id === this._options.id) {
      this._attach();
    }
  }

  private _attach(): void {
    this._live?.changed.disconnect(this._onLive, this);
    this._live = this._options.liveModels.get(this._options.id);
    this._live?.changed.connect(this._onLive, this);
    if (this._live) {
      // The kernel's state is newer than the document's.
      this._onLive(this._live);
    }
  }

  private _onLive(live: ILiveModel): void {
    const { model } = this._options;
    // Between these two assignments the view differs from the widget; this difference must not be sent.
    this._following = true;
    model.layerIndex = live.layerIndex;
    model.measure = live.measure;
    this._following = false;
  }

  private _onView(model: RoutingModel, change: RoutingModel.Change): void {
    const live = this._live;
    if (
      live &&
      !this._following &&
      (change === 'layer' || change === 'measure') &&
      (live.layerIndex !== model.layerIndex || live.measure !== model.measure)
    ) {
      live.update({ layerIndex: model.layerIndex, measure: model.measure });
    }
  }

  private _following = false;
  private _isDisposed = false;
  private _live: ILiveModel | undefined;
}

export namespace LiveLink {
  export interface IOptions {
    /** The id of the widget model, from the document. */
    id: string;
    model: RoutingModel;
    liveModels: ILiveRegistry<ILiveModel>;
  }
}
