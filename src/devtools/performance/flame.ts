import type { ProfileRow } from 'moe-debugger/protocol';

/** A part of the time, and what it consists of. */
export interface IFlame {
  name: string;
  milliseconds: number;
  calls: number;
  children: IFlame[];
}

/** The whole time over places, parts and operators, each level in the order of the run. */
export function flameOf(
  name: string,
  rows: readonly ProfileRow[],
  between: { name: string; milliseconds: number }
): IFlame {
  const root: IFlame = { name, milliseconds: 0, calls: 0, children: [] };
  for (const { place, part, op, milliseconds, calls } of rows) {
    let at = root;
    at.milliseconds += milliseconds;
    at.calls += calls;
    for (const step of [place, part, op]) {
      let next = at.children.find(own => own.name === step);
      if (!next) {
        next = { name: step, milliseconds: 0, calls: 0, children: [] };
        at.children.push(next);
      }
      next.milliseconds += milliseconds;
      next.calls += calls;
      at = next;
    }
  }
  if (between.milliseconds > 0) {
    root.milliseconds += between.milliseconds;
    root.children.push({ ...between, calls: 0, children: [] });
  }
  return root;
}

/** The flame at the end of a path of names, and those on the way that exist. */
export function flameAt(root: IFlame, path: readonly string[]): IFlame[] {
  const found = [root];
  for (const name of path) {
    const next = found[found.length - 1].children.find(
      own => own.name === name
    );
    if (!next) {
      break;
    }
    found.push(next);
  }
  return found;
}

export interface IOperatorTime {
  op: string;
  milliseconds: number;
  calls: number;
}

/** Times by operator, the most first. */
export function operatorTimes(rows: readonly ProfileRow[]): IOperatorTime[] {
  const all = new Map<string, IOperatorTime>();
  for (const { op, milliseconds, calls } of rows) {
    const own = all.get(op) ?? { op, milliseconds: 0, calls: 0 };
    own.milliseconds += milliseconds;
    own.calls += calls;
    all.set(op, own);
  }
  return [...all.values()].sort((a, b) => b.milliseconds - a.milliseconds);
}
