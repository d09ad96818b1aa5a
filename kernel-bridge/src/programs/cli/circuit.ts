import type { Circuit } from '../../analyses/circuits/circuit';
import type { TaskCircuit } from '../../analyses/circuits/task/task-circuit';
import type { MoEModel } from '../../api/moe-model';
import { MoEDebuggerError } from '../../base/errors';
import type { Progress } from '../../base/progress';
import type { Prompt } from '../../run/model/prompt';
import type { Corrupted } from '../../analyses/patching/options';
import type { CircuitArguments } from './circuit-arguments';
import { openModel } from './open-model';
import { readPairs } from './pairs-file';
import { progress, write, writeJson } from './output';
import { refuseUnused } from './unused-options';

export async function circuit(
  path: string,
  options: CircuitArguments
): Promise<void> {
  const find =
    options.pairs === undefined
      ? ofTwoPrompts(options)
      : await ofPairs(options.pairs, options);
  const model = await openModel(path);
  try {
    const found = await find(model, ({ done, total }) =>
      progress(`${done} of ${total} runs`)
    );
    progress('');
    const { out, json, format = 'text' } = options;
    if (out !== undefined) {
      await found.save(out);
    }
    if (json || out === undefined) {
      await print(found, json ? 'json' : format);
    }
  } finally {
    progress('');
    await model.dispose();
  }
}

type Search = (
  model: MoEModel,
  onProgress: (progress: Progress) => void
) => Promise<Circuit | TaskCircuit>;

function ofTwoPrompts(options: CircuitArguments): Search {
  const { resamples, directions, directionLayer } = options;
  refuseUnused(
    'circuit',
    {
      '--resamples': resamples,
      // Commander gives true where nothing was said.
      '--no-directions': directions === false ? directions : undefined,
      '--direction-layer': directionLayer
    },
    { because: 'it is for many pairs', hint: 'give --pairs, or leave it out' }
  );
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
  const { measure } = options;
  return (model, onProgress) =>
    model.circuit(clean, corrupted, {
      ...chosen(options),
      ...(measure === undefined ? {} : { measure }),
      onProgress
    });
}

/** @throws MoEDebuggerError 'usage' where single prompts are given too, 'input' naming the line that is not a pair */
async function ofPairs(
  file: string,
  options: CircuitArguments
): Promise<Search> {
  const { resamples, directions, directionLayer } = options;
  refuseUnused(
    'circuit',
    { '--measure': options.measure },
    { because: 'with --pairs, each circuit is measured on the held-out pairs' }
  );
  exactlyOne('--pairs and single prompts', [
    file,
    options.prompt,
    options.inputIds,
    options.corrupted,
    options.corruptedIds,
    options.corruptedEmbeddings
  ]);
  const pairs = await readPairs(file);
  return (model, onProgress) =>
    model.taskCircuit(pairs, {
      ...chosen(options),
      ...given({ resamples, directions, directionLayer }),
      onProgress
    });
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

/** Options that both searches have. */
function chosen({
  target,
  position,
  direction,
  steps,
  threshold,
  parts,
  seed,
  edges: size,
  nodesOnly
}: CircuitArguments): object {
  return {
    ...given({
      target,
      position,
      direction,
      steps,
      threshold,
      parts,
      seed,
      size
    }),
    edges: !nodesOnly
  };
}

function given(options: object): object {
  return Object.fromEntries(
    Object.entries(options).filter(([, value]) => value !== undefined)
  );
}

function print(
  found: Circuit | TaskCircuit,
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
