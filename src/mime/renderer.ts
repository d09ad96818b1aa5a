import type { IRenderMime } from '@jupyterlab/rendermime-interfaces';
import type { PartialJSONObject } from '@lumino/coreutils';
import { Widget } from '@lumino/widgets';
import { MIME_TYPE } from 'moe-debugger/protocol';
import type { Output } from '../outputs';
import type { IMoEContext } from '../tokens';

/** Draws a document stored in a notebook, with or without a kernel. The drawing code is loaded with the first output. */
export class RoutingRenderer extends Widget implements IRenderMime.IRenderer {
  constructor(private _context: IMoEContext) {
    super();
    this.addClass('moe-RoutingRenderer');
  }

  async renderModel(mime: IRenderMime.IMimeModel): Promise<void> {
    this._mime = mime;
    const { Output } = await import('../outputs');
    if (this.isDisposed) {
      return;
    }
    if (!this._output) {
      this._output = new Output({
        context: this._context,
        store: (document, text) => this._store(document, text)
      });
      this.node.append(this._output.node);
    }
    await this._output.draw(mime.data[MIME_TYPE]);
  }

  override dispose(): void {
    if (!this.isDisposed) {
      super.dispose();
      this._output?.dispose();
    }
  }

  /** Changes the stored output, in applications that have a notebook: Voila does not. */
  private _store(document: object, text?: string): void {
    const mime: Partial<IRenderMime.IMimeModel> | undefined = this._mime;
    mime?.setData?.({
      data: {
        ...mime.data,
        [MIME_TYPE]: document as PartialJSONObject,
        ...(text === undefined ? {} : { 'text/plain': text })
      }
    });
  }

  private _mime: IRenderMime.IMimeModel | undefined;
  private _output: Output | undefined;
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
