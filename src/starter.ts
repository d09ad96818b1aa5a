import type { Contents } from '@jupyterlab/services';

/** What can be loaded by a starter: the published demo model, in a folder of this name. */
const DEMO = ['models', 'demo'];

/** The last line of a starter. */
export const TRACE = "await model.trace('def fib(n):')";

/**
 * The first cell of a new notebook, and the suggestion of an empty panel: loads a model and traces it. It names the demo model if
 * that is below the notebook's folder or below a folder above it, else asks for a folder.
 *
 * @param path of the notebook
 */
export async function starter(
  path: string,
  contents: Contents.IManager
): Promise<string> {
  const demo = await demoFrom(path, contents);
  return [
    "import { loadModel } from 'moe-debugger';",
    demo === undefined
      ? '// Write the path of your model here: a folder with an .onnx file, relative to this notebook.'
      : '// A folder with an .onnx file, relative to this notebook.',
    `const model = await loadModel('${demo ?? 'path/to/your-model'}');`,
    TRACE
  ].join('\n');
}

/** The relative path of the demo model; undefined if there is none. */
async function demoFrom(
  path: string,
  contents: Contents.IManager
): Promise<string | undefined> {
  // A path may begin with the name of a drive, as in `RTC:folder/notebook.ipynb`: what a kernel reads is not told by it.
  const folders = contents.localPath(path).split('/').slice(0, -1);
  for (let depth = folders.length; depth >= 0; depth--) {
    const from = folders.slice(0, depth);
    if (await holdsModel([...from, ...DEMO], from.length, contents)) {
      return [
        ...Array.from({ length: folders.length - depth }, () => '..'),
        ...DEMO
      ].join('/');
    }
  }
  return undefined;
}

/**
 * Whether a folder has an .onnx file. Walks down from a folder that exists, since asking for one that does not is an error in the
 * server's log and the browser's console.
 */
async function holdsModel(
  folders: readonly string[],
  known: number,
  contents: Contents.IManager
): Promise<boolean> {
  for (let depth = known; depth <= folders.length; depth++) {
    const names = await namesIn(folders.slice(0, depth).join('/'), contents);
    if (depth === folders.length) {
      return names.some(name => name.endsWith('.onnx'));
    }
    if (!names.includes(folders[depth])) {
      return false;
    }
  }
  return false;
}

async function namesIn(
  folder: string,
  contents: Contents.IManager
): Promise<string[]> {
  try {
    const { content } = await contents.get(folder, { content: true });
    return (content as { name: string }[]).map(({ name }) => name);
  } catch {
    // A folder that this user may not read holds nothing to load.
    return [];
  }
}
