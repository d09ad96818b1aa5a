import type { HeadsArguments } from './heads-arguments';
import { openModel } from './open-model';
import { progress, progressBar, write, writeJson } from './output';

export async function heads(
  path: string,
  { json, ...options }: HeadsArguments
): Promise<void> {
  const model = await openModel(path);
  const started = performance.now();
  try {
    const result = await model.findHeads({
      ...options,
      onProgress: ({ done, total }) => progressBar('runs', done, total, started)
    });
    progress('');
    await (json ? writeJson(result) : write(`${result.toString()}\n`));
  } finally {
    progress('');
    await model.dispose();
  }
}
