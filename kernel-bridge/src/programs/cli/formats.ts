import { formatSensitivity, type FormatOptions } from '../../analyses/format';
import { printPlan, type PlanArguments } from './print-plan';

export interface FormatsArguments
  extends PlanArguments, Pick<FormatOptions, 'kinds' | 'seed'> {}

export function formats(
  path: string,
  { prompts, out, json, ...options }: FormatsArguments
): Promise<void> {
  return printPlan(
    path,
    { prompts, out, json },
    'running texts',
    (model, texts, onProgress) =>
      formatSensitivity(model, texts, { ...options, onProgress })
  );
}
