import { MoEDebuggerError } from '../../base/errors';
import { integrityNote } from '../../base/protocol';
import {
  diagnose,
  diagnoseModel,
  traceFileEvidence,
  type Diagnosis,
  type Severity,
  type Thresholds,
  type TraceEvidence
} from '../../analyses/findings';
import { formatDiagnosis } from '../../analyses/findings/format-diagnosis';
import { openModel } from './open-model';
import { progress, remark, write, writeJson } from './output';
import { readPrompts } from './prompts-file';
import { isTraceFile, refusePrompts } from './trace-target';

export interface DiagnoseArguments {
  prompts?: string;
  outputs?: boolean;
  /** A trace to compare with. */
  baseline?: string;
  threshold?: Partial<Thresholds>;
  failOn?: 'error' | 'warning';
  json?: boolean;
}

export async function printDiagnosis(
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
  { prompts, outputs, threshold, baseline }: DiagnoseArguments
): Promise<Diagnosis> {
  const options = {
    thresholds: threshold,
    ...(baseline === undefined ? {} : { baseline: await baselineOf(baseline) })
  };
  if (isTraceFile(target)) {
    refusePrompts(prompts);
    if (outputs) {
      throw new MoEDebuggerError(
        'usage',
        'a trace contains no experts to run',
        {
          where: '--outputs',
          hint: 'give a model, or leave --outputs out'
        }
      );
    }
    const { evidence, model } = await traceFileEvidence(target);
    return diagnose(evidence, { ...options, model });
  }
  const model = await openModel(target);
  try {
    return await diagnoseModel(model, {
      ...options,
      outputs,
      ...(prompts === undefined ? {} : { prompts: readPrompts(prompts) }),
      onProgress: ({ done, total, what }) =>
        progress(
          `${what} (${done}${total === undefined ? '' : ` of ${total}`})`
        )
    });
  } finally {
    progress('');
    await model.dispose();
  }
}

async function baselineOf(path: string): Promise<TraceEvidence['tally']> {
  const { evidence } = await traceFileEvidence(path);
  const note = integrityNote(evidence.integrity);
  if (note !== undefined) {
    remark(`the baseline is ${note}`);
  }
  return evidence.tally;
}

function fails(
  { findings }: Diagnosis,
  least: NonNullable<DiagnoseArguments['failOn']>
): boolean {
  const failing: Severity[] =
    least === 'error' ? ['error'] : ['error', 'warning'];
  return findings.some(({ severity }) => failing.includes(severity));
}
