import { writeFileSync } from 'node:fs';
import { writeAtomically } from '../../base/atomic-file';
import { MoEDebuggerError } from '../../base/errors';
import type { SteeringVectors } from '../../analyses/steering/steering-vectors';
import type { Steering } from '../../run/edits/edits';
import type { PromptObject } from '../../run/model/prompt';
import { openModel } from './open-model';
import { progress, remark, write, writeJson } from './output';
import { readPrompts } from './prompts-file';

interface SteerArguments {
  positive?: string;
  negative?: string;
  at?: 'last' | 'mean';
  layer?: Pick<Steering, 'layer' | 'stack'>;
  out?: string;
  json?: boolean;
}

/** Computes vectors from two files of prompts, for `--steer`. */
export async function steer(
  path: string,
  { positive, negative, at, layer, out, json }: SteerArguments
): Promise<void> {
  if (positive === undefined || negative === undefined) {
    throw new MoEDebuggerError('usage', 'no contrast prompts are given', {
      where: 'steer',
      hint: 'give --positive and --negative, files of prompts'
    });
  }
  const sets = {
    positive: await promptsOf(positive),
    negative: await promptsOf(negative)
  };
  const model = await openModel(path);
  try {
    const vectors = await model.steeringVectors({
      ...sets,
      at,
      onProgress: ({ done, total }) => progress(`${done} of ${total} prompts`)
    });
    progress('');
    const document = vectors.toJSON();
    const chosen =
      layer === undefined
        ? document
        : { ...document, steer: [oneVector(vectors, layer)].map(withList) };
    if (out !== undefined) {
      await writeAtomically(out, unfinished =>
        writeFileSync(unfinished, `${JSON.stringify(chosen)}\n`)
      );
      remark(`wrote ${out}: ${chosen.steer.length} vectors`);
    }
    if (json) {
      await writeJson(chosen);
    } else if (out === undefined) {
      await write(`${vectors.toString()}\n`);
    }
  } finally {
    progress('');
    await model.dispose();
  }
}

function oneVector(
  vectors: SteeringVectors,
  { layer, stack }: Pick<Steering, 'layer' | 'stack'>
): Steering {
  return vectors.at(layer, 1, stack ? { stack } : {});
}

function withList<T extends { vector: ArrayLike<number> }>(
  steering: T
): T & { vector: number[] } {
  return { ...steering, vector: Array.from(steering.vector) };
}

async function promptsOf(path: string): Promise<PromptObject[]> {
  const prompts: PromptObject[] = [];
  for await (const prompt of readPrompts(path)) {
    prompts.push(prompt);
  }
  return prompts;
}
