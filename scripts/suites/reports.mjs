/** The machine-readable reports that the test runners write. */
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { cache } from '../paths.mjs';
import { nothing } from './results.mjs';

/** A new path for a report, so that a report of an earlier run is not read. */
export function reportPath(name) {
  const folder = path.join(cache, 'reports');
  mkdirSync(folder, { recursive: true });
  const file = path.join(folder, name);
  rmSync(file, { force: true });
  return file;
}

/** The report's text; undefined if the runner wrote none. */
export function readReport(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

/** Reads JUnit XML, as far as pytest and Node use it. */
export function readJUnit(text = '') {
  const result = nothing();
  for (const [, attributes, body = ''] of text.matchAll(
    /<testcase ([^>]*?)(?:\/>|>([\s\S]*?)<\/testcase>)/g
  )) {
    const name = `${attribute(attributes, 'classname')}: ${attribute(attributes, 'name')}`;
    const failure = /<(?:failure|error)\b([^>]*)>([\s\S]*?)<\//.exec(body);
    const skip = /<skipped\b([^>]*)/.exec(body);
    if (failure) {
      result.failures.push({
        name,
        message: attribute(failure[1], 'message') || unescape(failure[2])
      });
    } else if (skip) {
      result.skipped.push({ name, reason: attribute(skip[1], 'message') });
    } else {
      result.passed++;
    }
  }
  return result;
}

const attribute = (attributes, name) =>
  unescape(new RegExp(`\\b${name}="([^"]*)"`).exec(attributes)?.[1] ?? '');

const ENTITIES = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' };

const unescape = text =>
  text.replace(
    /&(?:#(\d+)|#x([0-9A-Fa-f]+)|(\w+));/g,
    (all, tens, hex, name) =>
      name
        ? (ENTITIES[name] ?? all)
        : String.fromCodePoint(tens ? Number(tens) : parseInt(hex, 16))
  );
