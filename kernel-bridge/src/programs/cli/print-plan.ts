import type { MoEModel } from '../../api/moe-model';
import type { Progress } from '../../base/progress';
import type { PromptObject } from '../../run/model/prompt';
import { localModel } from './local-model';
import { openModel } from './open-model';
import { progress, progressBar, write, writeJson } from './output';
import { readPrompts } from './prompts-file';

/** A result of running a model on prompts. */
interface Plan {
  toJSON(): unknown;
  toString(): string;
  save(file: string): Promise<void>;
}

export interface PlanArguments {
  /** File of prompts. */
  prompts: string;
  out?: string;
  json?: boolean;
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
  ) => Promise<Plan>
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
    if (out !== undefined) {
      await plan.save(out);
    }
    await (json ? writeJson(plan) : write(`${plan.toString()}\n`));
  } finally {
    progress('');
    await model.dispose();
  }
}
