import type { IRenderMime } from '@jupyterlab/rendermime-interfaces';
import { PanelLayout, Widget } from '@lumino/widgets';
import { MIME_TYPE } from 'moe-debugger/protocol';
import type { IMoEDebugger } from '../tokens';
import type { RoutingContent } from './content';

/** Draws a view document stored in a notebook; needs no kernel. What draws is loaded with the first output. */
export class RoutingRenderer extends Widget implements IRenderMime.IRenderer {
  constructor(private _context: IMoEDebugger) {
    super();
    this.addClass('moe-RoutingRenderer');
    this.layout = new PanelLayout();
  }

  async renderModel(mime: IRenderMime.IMimeModel): Promise<void> {
    const { RoutingContent } = await import('./content');
    if (this.isDisposed) {
      return;
    }
    if (!this._content) {
      this._content = new RoutingContent(this._context);
      (this.layout as PanelLayout).addWidget(this._content);
    }
    this._content.draw(mime.data[MIME_TYPE]);
  }

  private _content: RoutingContent | undefined;
}

/** Ranked before ipywidgets' own type, which shows "model not found" once its kernel is gone. */
const RANK = -1;

export function rendererFactory(
  context: IMoEDebugger
): IRenderMime.IRendererFactory {
  return {
    safe: true,
    mimeTypes: [MIME_TYPE],
    defaultRank: RANK,
    createRenderer: () => new RoutingRenderer(context)
  };
}
