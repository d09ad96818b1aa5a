/** Lines of a stack, as a notebook's reader wants them: in the cells' own lines, and without the kernel's frames. */
import { INTERNAL_FOLDERS } from './internal-folders';
import { sourceLine, type CompiledCell } from './source-lines';

/** Cells whose functions may still be called; older ones are shown without a line. */
const LIMIT = 500;

export class Frames {
  private readonly _cells = new Map<number, CompiledCell & { count: number }>();
  private _last = 0;

  /** The compiled code of cell number `count`, with a name by which V8 calls it in stacks. */
  name(count: number, cell: CompiledCell): string {
    // Silent code has the number of the cell before it, so that numbers alone would not do.
    const id = ++this._last;
    this._cells.set(id, { ...cell, count });
    this._cells.delete(id - LIMIT);
    return `${cell.output}\n//# sourceURL=cell-${id}`;
  }

  /** A line of `error.stack`; undefined when it is none of the reader's business. */
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
    // After the cell's own lines comes the function that tslab wraps around them.
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
