/** Tools that a side panel works with, over its comm. */
import type { JsonObject } from '../../base/kernel-api';
import { isToolName, type ToolAnswer } from '../../base/protocol';
import type { ModelTool } from '../../views/tools/model-tool';
import { sessionStore } from '../../api/store';

/** A panel has one of each kind. */
const MOST_TOOLS = 16;

interface Served {
  tool: ModelTool;
  stop: () => void;
}

export class ToolServer {
  private readonly _tools = new Map<number, Served>();

  /** @param _send to the page */
  constructor(private readonly _send: (answer: ToolAnswer) => void) {}

  /** What a page sends may be anything; what cannot be done is answered. */
  receive(message: JsonObject): void {
    const id = message.tool;
    if (typeof id !== 'number' || !Number.isSafeInteger(id)) {
      this._refuse(-1, 'a message to a tool names none');
      return;
    }
    switch (message.type) {
      case 'open-tool':
        return this._open(id, message.name, String(message.modelId));
      case 'act':
        if (this._tools.has(id)) {
          this._tools.get(id)!.tool.act(message.action);
        } else {
          this._refuse(id, 'this tool is not open');
        }
        return;
      case 'close-tool':
        return this._close(id);
    }
  }

  /** Ends what the tools run. Can be called twice. */
  dispose(): void {
    for (const id of [...this._tools.keys()]) {
      this._close(id);
    }
  }

  private _open(id: number, name: unknown, modelId: string): void {
    if (!isToolName(name)) {
      this._refuse(
        id,
        `this kernel has no tool ${JSON.stringify(name)?.slice(0, 40)}: update moe-debugger`
      );
    } else if (this._tools.has(id) || this._tools.size >= MOST_TOOLS) {
      this._refuse(id, 'too many tools are open: close one');
    } else {
      const tool = sessionStore().openTool(name, modelId);
      if (!tool) {
        this._refuse(id, 'this model is no longer loaded: run its cell again');
        return;
      }
      this._tools.set(id, {
        tool,
        stop: this._follow(id, tool, modelId)
      });
      this._send({ type: 'tool', tool: id, patch: { ...tool.state } });
    }
  }

  /** Sends what changes, and tells the tool of new traces; returns a function that ends both. */
  private _follow(id: number, tool: ModelTool, modelId: string): () => void {
    const store = sessionStore();
    let newest = store.newestTrace(modelId);
    const stops = [
      tool.onChange(patch =>
        this._send({ type: 'tool', tool: id, patch: { ...patch } })
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

  private _refuse(tool: number, message: string): void {
    this._send({ type: 'tool-error', tool, message });
  }
}
