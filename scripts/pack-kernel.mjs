/**
 * Packs the Node package for the Python wheel: the package as npm would publish it, and a lock file
 * that pins everything it needs to the versions of this clone's own lock file.
 */
import { createHash } from 'node:crypto';
import {
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync
} from 'node:fs';
import path from 'node:path';
import { cache, inRoot, npm } from './paths.mjs';
import { run } from './processes.mjs';

const PACKAGE = 'moe-debugger';
const WORKSPACE = 'kernel-bridge';
const TARBALL = `${PACKAGE}.tgz`;
const target = inRoot('jupyterlab_moe_debugger', 'kernel_package');

/** Folders where a package looks for `name`, from its own folder upwards, as in Node. */
function* candidates(from, name) {
  for (let place = from; ;) {
    yield `${place ? `${place}/` : ''}node_modules/${name}`;
    if (!place) {
      return;
    }
    const above = place.lastIndexOf('/node_modules/');
    place = above >= 0 ? place.slice(0, above) : '';
  }
}

/** The entries of the clone's lock file that the workspace needs at run time, by their key. */
export function closure(packages, workspace = WORKSPACE) {
  const found = new Map();
  const visit = (from, entry) => {
    const wanted = {
      ...entry.peerDependencies,
      ...entry.optionalDependencies,
      ...entry.dependencies
    };
    for (const name of Object.keys(wanted)) {
      const place = [...candidates(from, name)].find(at => packages[at]);
      if (entry.peerDependenciesMeta?.[name]?.optional) {
        continue;
      }
      if (!place) {
        if (entry.dependencies?.[name] && !entry.optionalDependencies?.[name]) {
          throw new Error(
            `${from} needs ${name}, which is not in the lock file`
          );
        }
        continue;
      }
      if (!found.has(place)) {
        found.set(place, packages[place]);
        visit(place, packages[place]);
      }
    }
  };
  visit(workspace, packages[workspace]);
  return found;
}

/** The lock file of a folder whose only dependency is the packed workspace. */
export function lockFor(packages, manifest, integrity) {
  const entries = {};
  for (const [place, entry] of closure(packages)) {
    // The workspace's own node_modules become those of the installed package.
    const moved = place.replace(
      new RegExp(`^${WORKSPACE}/`),
      `node_modules/${PACKAGE}/`
    );
    entries[moved] = {
      ...entry,
      dev: undefined,
      devOptional: undefined,
      peer: undefined
    };
  }
  entries[`node_modules/${PACKAGE}`] = {
    version: manifest.version,
    resolved: `file:${TARBALL}`,
    integrity,
    license: manifest.license,
    dependencies: manifest.dependencies,
    bin: manifest.bin,
    engines: manifest.engines
  };
  const sorted = Object.fromEntries(
    Object.entries(entries).sort(([a], [b]) => (a < b ? -1 : 1))
  );
  return {
    name: `${PACKAGE}-installation`,
    lockfileVersion: 3,
    requires: true,
    packages: { '': folderManifest(), ...sorted }
  };
}

const folderManifest = () => ({
  name: `${PACKAGE}-installation`,
  dependencies: { [PACKAGE]: `file:${TARBALL}` }
});

async function pack() {
  const staging = path.join(cache, 'pack');
  rmSync(staging, { recursive: true, force: true });
  mkdirSync(staging, { recursive: true });
  const { error, lines } = await run([
    ...npm(),
    'pack',
    '--workspace',
    WORKSPACE,
    '--pack-destination',
    staging
  ]);
  if (error) {
    throw new Error(`npm pack ${error}:\n${lines.join('\n')}`);
  }
  const manifest = JSON.parse(
    readFileSync(inRoot(WORKSPACE, 'package.json'), 'utf8')
  );
  const tarball = path.join(staging, TARBALL);
  renameSync(path.join(staging, `${PACKAGE}-${manifest.version}.tgz`), tarball);
  const integrity = `sha512-${createHash('sha512').update(readFileSync(tarball)).digest('base64')}`;
  const { packages } = JSON.parse(
    readFileSync(inRoot('package-lock.json'), 'utf8')
  );
  const write = (name, document) =>
    writeFileSync(
      path.join(staging, name),
      `${JSON.stringify(document, null, 2)}\n`
    );
  write('package-lock.json', lockFor(packages, manifest, integrity));
  write('package.json', {
    ...folderManifest(),
    private: true,
    // zeromq's script only builds where its package has no binary; the other would download.
    allowScripts: { 'onnxruntime-node': false, zeromq: true }
  });
  rmSync(target, { recursive: true, force: true });
  renameSync(staging, target);
}

await pack();
