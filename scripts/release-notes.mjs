/**
 * `node scripts/release-notes.mjs v1.2.3`: prints the changelog of a release, or why the tag does not match the
 * versions and the changelog.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { inRoot } from './paths.mjs';

/** The changelog of a version, without its heading; undefined if there is none. */
export function sectionOf(changelog, version) {
  const section = changelog
    .split(/^## /m)
    .slice(1)
    .find(text => /^\S+/.exec(text)?.[0] === version);
  return section?.split('\n').slice(1).join('\n').trim();
}

/**
 * @param {string} tag
 * @param {{versions: Record<string, string>, changelog: string, fragments: string[]}} state
 *   `versions`: by file; `fragments`: files with changes that are not yet in the changelog
 * @returns {string} @throws Error that names all mismatches
 */
export function releaseNotes(tag, { versions, changelog, fragments }) {
  const version = tag.replace(/^v/, '');
  const notes = sectionOf(changelog, version);
  const wrong = [
    ...Object.entries(versions)
      .filter(([, stated]) => stated !== version)
      .map(([file, stated]) => `${file} states version ${stated}`),
    ...(notes ? [] : [`CHANGELOG.md has no section for ${version}`]),
    ...fragments.map(file => `changes/${file} is not yet in CHANGELOG.md`)
  ];
  if (wrong.length > 0) {
    throw new Error(`The tag ${tag} does not match: ${wrong.join('; ')}.`);
  }
  return notes;
}

const read = file => readFileSync(inRoot(file), 'utf8');

function stateOfClone() {
  const manifests = ['package.json', 'kernel-bridge/package.json'];
  return {
    versions: Object.fromEntries(
      manifests.map(file => [file, JSON.parse(read(file)).version])
    ),
    changelog: read('CHANGELOG.md'),
    fragments: existsSync(inRoot('changes'))
      ? readdirSync(inRoot('changes')).filter(
          name => name.endsWith('.md') && name !== 'README.md'
        )
      : []
  };
}

if (path.resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  try {
    console.log(releaseNotes(process.argv[2] ?? '', stateOfClone()));
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
}
