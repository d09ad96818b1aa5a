import type { IRenderMime } from '@jupyterlab/rendermime-interfaces';
import type { PartialJSONObject } from '@lumino/coreutils';
import { PanelLayout, Widget } from '@lumino/widgets';
import { MIME_TYPE, isToolDocument } from 'moe-debugger/protocol';
import type { IMoEContext } from '../tokens';
import type { IContent } from './content';

/** Draws a document stored in a notebook, a routing view's or a tool's; needs no kernel. What draws is loaded with the first output. */
export class RoutingRenderer extends Widget implements IRenderMime.IRenderer {
  constructor(private _context: IMoEContext) {
    super();
    this.addClass('moe-RoutingRenderer');
    this.layout = new PanelLayout();
  }

  async renderModel(mime: IRenderMime.IMimeModel): Promise<void> {
    this._mime = mime;
    const data = mime.data[MIME_TYPE];
    const isTool = isToolDocument(data);
    const create = isTool ? await this._tool() : await this._routing();
    if (this.isDisposed || mime !== this._mime) {
      return;
    }
    if (!this._content || isTool !== this._isTool) {
      this._content?.dispose();
      this._isTool = isTool;
      this._content = create();
      (this.layout as PanelLayout).addWidget(this._content);
    }
    this._content.draw(data);
  }

  private async _routing(): Promise<() => IContent> {
    const { RoutingContent } = await import('./content');
    return () =>
      new RoutingContent({
        context: this._context,
        store: document => this._store(document)
      });
  }

  private async _tool(): Promise<() => IContent> {
    const { ToolContent } = await import('./tool-content');
    return () =>
      new ToolContent({
        context: this._context,
        store: (document, text) => this._store(document, text)
      });
  }

  /** Changes what the notebook holds of this output. */
  private _store(document: object, text?: string): void {
    const mime = this._mime;
    mime?.setData({
      data: {
        ...mime.data,
        [MIME_TYPE]: document as PartialJSONObject,
        ...(text === undefined ? {} : { 'text/plain': text })
      }
    });
  }

  private _content: IContent | undefined;
  private _isTool = false;
  private _mime: IRenderMime.IMimeModel | undefined;
}

/** Ranked before ipywidgets' own type, which shows "model not found" once its kernel is gone. */
const RANK = -1;

export function rendererFactory(
  context: IMoEContext
): IRenderMime.IRendererFactory {
  return {
    safe: true,
    mimeTypes: [MIME_TYPE],
    defaultRank: RANK,
    createRenderer: () => new RoutingRenderer(context)
  };
}
