import { isToolDocument } from 'moe-debugger/protocol';
import { Drawing } from '../drawing';
import type { IContent, IContentOptions } from './content';

/** A stored document of a routing view or a tool. Its drawing code is loaded when it is first needed. */
export class Output extends Drawing {
  constructor(private _options: IContentOptions) {
    super();
  }

  /** Shows a document, or replaces it. An earlier one that is still loading is not shown. */
  async draw(data: unknown): Promise<void> {
    const turn = ++this._turn;
    const create = isToolDocument(data) ? createTool : createRouting;
    const content = create === this._create ? this._content : undefined;
    const drawn = content ?? (await create(this._options));
    if (this.isDisposed || turn !== this._turn) {
      if (!content) {
        drawn.dispose();
      }
      return;
    }
    if (!content) {
      this._content?.dispose();
      this._create = create;
      this._content = drawn;
      this.node.append(drawn.node);
    }
    await drawn.draw(data);
  }

  override dispose(): void {
    this._content?.dispose();
    super.dispose();
  }

  private _content: IContent | undefined;
  private _create: typeof createRouting | undefined;
  private _turn = 0;
}

async function createRouting(options: IContentOptions): Promise<IContent> {
  const { RoutingContent } = await import('./routing-content');
  return new RoutingContent(options);
}

async function createTool(options: IContentOptions): Promise<IContent> {
  const { ToolContent } = await import('./tool-content');
  return new ToolContent(options);
}
