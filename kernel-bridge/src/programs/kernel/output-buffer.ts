/**
 * Joins adjacent writes to one stream of one cell. Runs on the sockets' thread, so that output appears while a cell
 * blocks the main thread.
 */
export type StreamName = 'stdout' | 'stderr';

export interface Output {
  name: StreamName;
  text: string;
  /** Header of the cell, as JSON text. */
  parent: string;
}

/** Time that output waits for more of its kind: jupyter_server drops messages above 1000 per second. */
const FLUSH_MS = 10;
const FLUSH_CHARACTERS = 1 << 18;

export class OutputBuffer {
  private readonly _publish: (output: Output) => void;
  private _pending: Output | undefined;
  private _parts: string[] = [];
  private _characters = 0;
  private _timer: NodeJS.Timeout | undefined;

  constructor(publish: (output: Output) => void) {
    this._publish = publish;
  }

  write(output: Output): void {
    const pending = this._pending;
    if (pending?.name !== output.name || pending.parent !== output.parent) {
      this.flush();
      this._pending = output;
      this._timer = setTimeout(() => this.flush(), FLUSH_MS);
    }
    this._parts.push(output.text);
    this._characters += output.text.length;
    if (this._characters > FLUSH_CHARACTERS) {
      this.flush();
    }
  }

  /** Called before any other message is published, to preserve the order. */
  flush(): void {
    if (this._pending) {
      const output = { ...this._pending, text: this._parts.join('') };
      clearTimeout(this._timer);
      this._pending = undefined;
      this._parts = [];
      this._characters = 0;
      this._publish(output);
    }
  }
}
