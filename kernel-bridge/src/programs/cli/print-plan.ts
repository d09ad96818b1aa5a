import type { MoEModel } from '../../api/moe-model';
import type { Progress } from '../../base/progress';
import type { PromptObject } from '../../run/model/prompt';
import { localModel } from './local-model';
import { openModel } from './open-model';
import { progress, progressBar, write, writeJson } from './output';
import { readPrompts } from './prompts-file';

/** What can be printed and saved. */
interface Result {
  toJSON(): unknown;
  toString(): string;
  save(file: string): Promise<void>;
}

export interface ResultArguments {
  /** File to save the result to. */
  out?: string;
  json?: boolean;
}

export interface PlanArguments extends ResultArguments {
  /** File of prompts. */
  prompts: string;
}

/** Saves a result if asked to, and prints it. */
export async function printResult(
  result: Result,
  { out, json }: ResultArguments
): Promise<void> {
  if (out !== undefined) {
    await result.save(out);
  }
  await (json ? writeJson(result) : write(`${result.toString()}\n`));
}

/**
 * Makes a plan for a model from the prompts of a file, saves it if asked to, and prints it.
 * @param doing what the progress bar says
 */
export async function printPlan(
  path: string,
  { prompts: file, out, json }: PlanArguments,
  doing: string,
  make: (
    model: MoEModel,
    prompts: readonly PromptObject[],
    onProgress: (progress: Progress) => void
  ) => Promise<Result>
): Promise<void> {
  const prompts: PromptObject[] = [];
  for await (const prompt of readPrompts(file)) {
    prompts.push(prompt);
  }
  const folder = await localModel(path);
  progress('loading the model');
  const model = await openModel(folder);
  try {
    const started = performance.now();
    const plan = await make(model, prompts, ({ done, total }) =>
      progressBar(doing, done, total, started)
    );
    progress('');
    await printResult(plan, { out, json });
  } finally {
    progress('');
    await model.dispose();
  }
}
