import {
  compressionPlan,
  type CompressionOptions
} from '../../analyses/compression';
import { printPlan, type PlanArguments } from './print-plan';

export interface CompressArguments
  extends
    PlanArguments,
    Pick<CompressionOptions, 'keep' | 'ratio' | 'by' | 'randomPlans'> {}

export function compress(
  path: string,
  { prompts, out, json, ...options }: CompressArguments
): Promise<void> {
  return printPlan(
    path,
    { prompts, out, json },
    'measuring',
    (model, texts, onProgress) =>
      compressionPlan(model, texts, { ...options, onProgress })
  );
}
