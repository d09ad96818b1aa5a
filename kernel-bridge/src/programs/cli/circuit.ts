import type { Circuit } from '../../analyses/circuits/circuit';
import { MoEDebuggerError } from '../../base/errors';
import type { Prompt } from '../../run/model/prompt';
import type { Corrupted } from '../../analyses/patching/options';
import type { CircuitArguments } from './circuit-arguments';
import { openModel } from './open-model';
import { progress, write, writeJson } from './output';

export async function circuit(
  path: string,
  options: CircuitArguments
): Promise<void> {
  const { edges, nodesOnly, out } = options;
  const clean: Prompt = exactlyOne('--prompt or --input-ids', [
    options.prompt,
    options.inputIds
  ]);
  const corrupted: Corrupted = exactlyOne(
    '--corrupted, --corrupted-ids or --corrupted-embeddings',
    [
      options.corrupted,
      options.corruptedIds,
      options.corruptedEmbeddings && {
        embeddings: options.corruptedEmbeddings
      }
    ]
  );
  const model = await openModel(path);
  try {
    const found = await model.circuit(clean, corrupted, {
      ...chosen(options),
      ...(edges === undefined ? {} : { size: edges }),
      edges: !nodesOnly,
      onProgress: ({ done, total }) => progress(`${done} of ${total} runs`)
    });
    progress('');
    if (out !== undefined) {
      await found.save(out);
    }
    if (options.json || out === undefined) {
      await print(found, options.json ? 'json' : (options.format ?? 'text'));
    }
  } finally {
    progress('');
    await model.dispose();
  }
}

/** @throws MoEDebuggerError 'usage' unless exactly one is given */
function exactlyOne<T>(names: string, given: readonly (T | undefined)[]): T {
  const found = given.filter(value => value !== undefined);
  if (found.length !== 1) {
    throw new MoEDebuggerError(
      'usage',
      found.length === 0
        ? 'a circuit needs two prompts'
        : 'more than one kind of prompt is given',
      { where: 'circuit', hint: `give one of ${names}` }
    );
  }
  return found[0];
}

function chosen({
  target,
  position,
  direction,
  steps,
  threshold,
  parts,
  measure,
  seed
}: CircuitArguments): object {
  return Object.fromEntries(
    Object.entries({
      target,
      position,
      direction,
      steps,
      threshold,
      parts,
      measure,
      seed
    }).filter(([, value]) => value !== undefined)
  );
}

function print(
  found: Circuit,
  format: NonNullable<CircuitArguments['format']>
): Promise<void> {
  switch (format) {
    case 'json':
      return writeJson(found);
    case 'dot':
      return write(found.toDOT());
    case 'mermaid':
      return write(found.toMermaid());
    case 'html':
      return write(found.toHTML());
    case 'text':
      return write(`${found.toString()}\n`);
  }
}
