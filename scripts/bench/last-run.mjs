/** The last measurement of each number on this machine. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { cache } from '../paths.mjs';

const FILE = path.join(cache, 'bench', 'last.json');

const keyOf = ({ section, name }) => `${section}: ${name}`;

/** @returns {Map<string, object>} numbers by section and name; empty for another machine or a damaged file */
export function read(machine, file = FILE) {
  try {
    const kept = JSON.parse(readFileSync(file, 'utf8'));
    return kept.machine === machine
      ? new Map(kept.rows.map(row => [keyOf(row), row]))
      : new Map();
  } catch {
    return new Map();
  }
}

export const find = (last, row) => last.get(keyOf(row));

/** Saves the new measurements, and keeps the others. */
export function keep(machine, rows, file = FILE) {
  const kept = read(machine, file);
  for (const row of rows) {
    kept.set(keyOf(row), row);
  }
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, JSON.stringify({ machine, rows: [...kept.values()] }));
}
