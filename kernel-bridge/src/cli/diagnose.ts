import {
  diagnoseModel,
  type Diagnosis,
  type Severity,
  type Thresholds
} from '../findings';
import { formatDiagnosis } from '../findings/format-diagnosis';
import { loadModel } from '../model/load-model';
import { localModel } from './local-model';
import { progress, write, writeJson } from './output';
import { readPrompts } from './prompts-file';

export interface DiagnoseArguments {
  prompts?: string;
  threshold?: Partial<Thresholds>;
  failOn?: 'error' | 'warning';
  json?: boolean;
}

export async function diagnose(
  target: string,
  options: DiagnoseArguments
): Promise<void> {
  const diagnosis = await diagnosed(target, options);
  await (options.json
    ? writeJson(diagnosis)
    : write(`${formatDiagnosis(diagnosis)}\n`));
  if (options.failOn && fails(diagnosis, options.failOn)) {
    process.exitCode = 1;
  }
}

async function diagnosed(
  target: string,
  { prompts, threshold }: DiagnoseArguments
): Promise<Diagnosis> {
  const model = await loadModel(await localModel(target));
  try {
    return await diagnoseModel(model, {
      ...(prompts === undefined ? {} : { prompts: readPrompts(prompts) }),
      thresholds: threshold,
      onProgress: progress
    });
  } finally {
    progress('');
    await model.dispose();
  }
}

function fails(
  { findings }: Diagnosis,
  least: NonNullable<DiagnoseArguments['failOn']>
): boolean {
  const failing: Severity[] =
    least === 'error' ? ['error'] : ['error', 'warning'];
  return findings.some(({ severity }) => failing.includes(severity));
}
