/** Maps stack frames to the cells' source lines, and removes the kernel's own. */
import { INTERNAL_FOLDERS } from './internal-folders';
import { sourceLine, type CompiledCell } from './source-lines';

/** Number of cells whose source is kept; frames of older ones have no line number. */
const LIMIT = 500;

export class Frames {
  private readonly _cells = new Map<number, CompiledCell & { count: number }>();
  private _last = 0;

  /** Names the compiled code of cell number `count` for V8's stacks. */
  name(count: number, cell: CompiledCell): string {
    // A silent request has the number of the previous cell, so the number alone is ambiguous.
    const id = ++this._last;
    this._cells.set(id, { ...cell, count });
    this._cells.delete(id - LIMIT);
    return `${cell.output}\n//# sourceURL=cell-${id}`;
  }

  /** Maps a line of `error.stack`; undefined for an internal frame. */
  read = (line: string): string | undefined => {
    if (
      !/^\s+at /.test(line) ||
      /\(?node:/.test(line) ||
      INTERNAL_FOLDERS.some(folder => line.includes(folder))
    ) {
      return undefined;
    }
    const [place, id, at] = /\bcell-(\d+):(\d+):\d+/.exec(line) ?? [];
    if (place === undefined) {
      return line;
    }
    const cell = this._cells.get(Number(id));
    // Lines after the cell's own belong to tslab's wrapper function.
    if (cell && Number(at) > cell.output.split('\n').length) {
      return undefined;
    }
    if (!cell) {
      return line.replace(place, 'an earlier cell');
    }
    const found = sourceLine(cell, Number(at));
    return line.replace(
      place,
      `cell ${cell.count}${found === undefined ? '' : `, line ${found}`}`
    );
  };
}
