import {
  layerName,
  type LensAction,
  type LensExperts,
  type LensLayer,
  type LensState
} from 'moe-debugger/protocol';
import { clamp } from '../layer-grid';
import { ToolModel } from '../model';

/** The layer lens with the state of its view: the selected layer and position. */
export class LensModel extends ToolModel<LensState, LensAction> {
  constructor(options: ToolModel.IOptions<LensState>) {
    super(options);
    this._place();
  }

  /** Index into the lens's layers. */
  get layer(): number {
    return this._layer;
  }
  set layer(index: number) {
    this._layer = clamp(index, this.state.lens?.layers.length ?? 1);
    this.emit();
  }

  /** Index into the positions that were read. */
  get position(): number {
    return this._position;
  }
  set position(index: number) {
    this._position = clamp(index, this.state.lens?.positions.length ?? 1);
    this.emit();
  }

  get current(): LensLayer | undefined {
    return this.state.lens?.layers[this._layer];
  }

  /** The routers of the block shown. */
  get experts(): readonly LensExperts[] {
    const { current } = this;
    return current
      ? (this.state.lens?.experts.filter(
          own =>
            layerName({ layer: own.layer, stack: own.stack }) ===
            layerName(current)
        ) ?? [])
      : [];
  }

  /** With the selection, so that a stored lens opens with it. */
  override get stored(): LensState {
    return this.state.lens
      ? {
          ...this.state,
          shown: { layer: this._layer, position: this._position }
        }
      : this.state;
  }

  protected override onState(): void {
    this._place();
  }

  /** For another prompt, selects the last position; keeps the layer, if there is one. */
  private _place(): void {
    const { lens, shown } = this.state;
    if (!lens || lens === this._lens) {
      return;
    }
    const layers = lens.layers.length;
    const read = JSON.stringify([lens.model, lens.tokens]);
    if (shown) {
      this._layer = shown.layer;
      this._position = shown.position;
    } else if (read !== this._read) {
      this._layer = this._read ? clamp(this._layer, layers) : layers - 1;
      this._position = lens.positions.length - 1;
    }
    this._read = read;
    this._lens = lens;
  }

  private _layer = 0;
  private _lens: LensState['lens'] = null;
  private _position = 0;
  private _read = '';
}
