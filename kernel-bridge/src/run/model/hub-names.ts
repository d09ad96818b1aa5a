/**
 * Validators for names that become paths in the cache: ids given by users, and untrusted answers of a hub. No name may
 * lead out of the model's folder.
 */
import { MoEDebuggerError } from '../../base/errors';

export interface HubId {
  /** `org/name`, or the name of an old model without an organisation. */
  name: string;
  revision: string;
}

const SCHEME = 'hf:';
/** Hugging Face's rules: the cache separates organisation and name with `--`. */
const NAME = /^(?!.*(?:--|\.\.))\w(?:[\w.-]{0,94}\w)?$/;
/** A part of a branch's or a tag's name: git's rules with fewer characters. */
const REF_PART = /^(?!.*\.\.)\w[\w.-]*$/;
const COMMIT = /^[0-9a-f]{40}$/;
const HASH = /^[0-9a-f]{1,128}$/i;

export function isHubId(model: string): boolean {
  return model.startsWith(SCHEME);
}

/**
 * Reads `hf:org/name` or `hf:org/name@revision`.
 * @throws MoEDebuggerError 'input' for anything else
 */
export function parseHubId(id: string): HubId {
  const [, name = '', revision = 'main'] =
    /^hf:([^@]*)(?:@(.*))?$/.exec(id) ?? [];
  const parts = name.split('/');
  if (
    parts.length > 2 ||
    !parts.every(part => NAME.test(part)) ||
    !revision.split('/').every(part => REF_PART.test(part))
  ) {
    throw new MoEDebuggerError('input', 'this is not the id of a model', {
      where: id,
      hint: 'write hf:org/name or hf:org/name@revision'
    });
  }
  return { name, revision };
}

/**
 * The commit of a revision. It names the folder of a snapshot.
 * @throws MoEDebuggerError 'model-invalid' when it is not a git hash
 */
export function checkCommit(sha: unknown, where: string): string {
  if (typeof sha !== 'string' || !COMMIT.test(sha)) {
    throw refused(`a commit called ${quoted(sha)}`, where);
  }
  return sha;
}

/**
 * A file in a hub's list. Applies the rules of POSIX and Windows on every platform; Windows also reads `.. ` as `..`.
 * @throws MoEDebuggerError 'model-invalid' for a name that is not a relative path without `..`
 */
export function checkFileName(path: unknown, where: string): string {
  if (
    typeof path !== 'string' ||
    path.includes('\0') ||
    path.includes('\\') ||
    path.split('/').some(part => /^[\s.]*$|^[a-z]:/i.test(part))
  ) {
    throw refused(`a file called ${quoted(path)}`, where);
  }
  return path;
}

/** Untrusted information about a file from a hub. */
interface ToldFile {
  oid?: unknown;
  lfs?: { oid?: unknown } | null;
  xetHash?: unknown;
  lastCommit?: { id?: unknown } | null;
}

/**
 * Validates hashes in a hub's answer: the hash of a file's content names its blob, its last commit the snapshot.
 * @throws MoEDebuggerError 'model-invalid' for a hash that is not hexadecimal
 */
export function checkHashes(files: unknown, where: string): void {
  for (const file of Array.isArray(files) ? (files as unknown[]) : []) {
    const { oid, lfs, xetHash, lastCommit } = (file ?? {}) as ToldFile;
    const wrong = [oid, lfs?.oid, xetHash, lastCommit?.id].find(
      hash => hash !== undefined && hash !== null && !isHash(hash)
    );
    if (wrong !== undefined) {
      throw refused(`a hash of ${quoted(wrong)}`, where);
    }
  }
}

function isHash(value: unknown): boolean {
  return typeof value === 'string' && HASH.test(value);
}

function refused(what: string, where: string): MoEDebuggerError {
  return new MoEDebuggerError('model-invalid', `the hub answers with ${what}`, {
    where,
    hint: 'nothing was written for it; check HF_ENDPOINT, and report the model to its hub'
  });
}

/** Escapes control characters, which would reach a terminal. */
function quoted(value: unknown): string {
  return (JSON.stringify(value) ?? 'undefined').slice(0, 200);
}
