import {
  compressionPlan,
  type CompressionOptions
} from '../../analyses/compression';
import { printPlan, type PlanArguments } from './print-plan';

export interface CompressArguments
  extends
    Omit<PlanArguments, 'out'>,
    Pick<CompressionOptions, 'keep' | 'ratio' | 'by'> {}

export function compress(
  path: string,
  { prompts, json, ...options }: CompressArguments
): Promise<void> {
  return printPlan(
    path,
    { prompts, json },
    'measuring',
    (model, texts, onProgress) =>
      compressionPlan(model, texts, { ...options, onProgress })
  );
}
