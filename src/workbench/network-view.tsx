import type { Message } from '@lumino/messaging';
import { PanelLayout, Widget } from '@lumino/widgets';
import { Network } from '../devtools/network';
import { RoutingPanel } from '../panels/routing';
import { SourceView } from './source-view';
import { TabRow } from './tab-row';
import type { IViewOptions } from './view-kinds';

type Look = 'table' | 'heatmap';

/** The routing of single tokens, as a table or as a heatmap. */
export class NetworkView extends Widget {
  constructor(private _options: IViewOptions) {
    super();
    const { trans } = _options.context;
    this.addClass('moe-NetworkView');
    this.layout = new PanelLayout();
    this._tabs = new TabRow({
      label: trans.__('Look'),
      tabs: [
        { id: 'table', title: trans.__('Table') },
        { id: 'heatmap', title: trans.__('Heatmap') }
      ],
      trans,
      choose: look => this._showLook(look as Look)
    });
    this._tabs.addClass('moe-mod-looks');
    this._content.addWidget(this._tabs);
  }

  protected override onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
    this._showLook(this._look);
  }

  private _showLook(look: Look): void {
    this._look = look;
    this._tabs.current = look;
    if (!this._views.has(look)) {
      const view = this._make(look);
      this._views.set(look, view);
      this._content.addWidget(view);
    }
    this._views.forEach((own, name) => own.setHidden(name !== look));
    this._tellOfPicture();
  }

  protected override onAfterShow(message: Message): void {
    super.onAfterShow(message);
    this._tellOfPicture();
  }

  protected override onAfterHide(message: Message): void {
    super.onAfterHide(message);
    this._tellOfPicture();
  }

  private _tellOfPicture(): void {
    this._options.model.drawsPicture =
      this.isVisible && this._look === 'heatmap';
  }

  private _make(look: Look): Widget {
    return look === 'table'
      ? new SourceView(this._options, Network, 'moe-NetworkTable')
      : new RoutingPanel({ ...this._options, size: 'large' });
  }

  private get _content(): PanelLayout {
    return this.layout as PanelLayout;
  }

  private _look: Look = 'table';
  private _tabs: TabRow;
  private _views = new Map<Look, Widget>();
}
