/** Tools that a client works with. */
import { MoEDebuggerError } from '../../base/errors';
import type { ToolAnswer, ToolRequest } from '../../base/protocol';
import type { ModelTool } from '../../views/tools/model-tool';
import { sessionStore } from '../../api/store';

/** A panel has one of each kind. */
const MAX_TOOLS = 16;

interface Served {
  tool: ModelTool;
  stop: () => void;
}

export class ToolServer {
  private readonly _tools = new Map<number, Served>();

  /** @param _send takes what changes in a tool's state */
  constructor(private readonly _send: (answer: ToolAnswer) => void) {}

  /**
   * @returns the whole state of a tool that was opened
   * @throws MoEDebuggerError 'input' for what cannot be done
   */
  receive(message: ToolRequest): ToolAnswer | undefined {
    switch (message.type) {
      case 'open-tool':
        return this._open(message);
      case 'act':
        this._toolOf(message.tool).act(message.action);
        return undefined;
      case 'close-tool':
        this._close(message.tool);
        return undefined;
    }
  }

  /** Cancels the tools' tasks. Can be called repeatedly. */
  dispose(): void {
    for (const id of [...this._tools.keys()]) {
      this._close(id);
    }
  }

  private _open({
    tool: id,
    name,
    modelId
  }: Extract<ToolRequest, { type: 'open-tool' }>): ToolAnswer {
    if (this._tools.has(id) || this._tools.size >= MAX_TOOLS) {
      throw new MoEDebuggerError('input', 'too many tools are open', {
        hint: 'close one'
      });
    }
    const tool = sessionStore().openTool(name, modelId);
    if (!tool) {
      throw new MoEDebuggerError('input', 'this model is no longer loaded', {
        hint: 'run its cell again'
      });
    }
    this._tools.set(id, { tool, stop: this._follow(id, tool, modelId) });
    return { type: 'tool', tool: id, patch: { ...tool.whole } };
  }

  private _toolOf(id: number): ModelTool {
    const served = this._tools.get(id);
    if (!served) {
      throw new MoEDebuggerError('input', 'this tool is not open');
    }
    return served.tool;
  }

  /** Sends changes of a tool, and offers it new traces; returns a function that stops both. */
  private _follow(id: number, tool: ModelTool, modelId: string): () => void {
    const store = sessionStore();
    let newest = store.newestTrace(modelId);
    const stops = [
      tool.onChange((patch, reception) =>
        this._send({
          type: 'tool',
          tool: id,
          patch: { ...patch, ...reception }
        })
      ),
      store.onChange(() => {
        const trace = store.newestTrace(modelId);
        if (trace && trace !== newest) {
          newest = trace;
          tool.offer(trace);
        }
      })
    ];
    return () => stops.forEach(stop => stop());
  }

  private _close(id: number): void {
    const served = this._tools.get(id);
    this._tools.delete(id);
    served?.stop();
    void served?.tool.cancel();
  }
}
