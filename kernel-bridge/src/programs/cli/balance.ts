import { balanceLoad, type BalanceOptions } from '../../analyses/balance';
import { printPlan, type PlanArguments } from './print-plan';

export interface BalanceArguments
  extends PlanArguments, Pick<BalanceOptions, 'target' | 'place'> {}

export function balance(
  path: string,
  { prompts, out, json, ...options }: BalanceArguments
): Promise<void> {
  return printPlan(
    path,
    { prompts, out, json },
    'balancing',
    (model, texts, onProgress) =>
      balanceLoad(model, texts, { ...options, onProgress })
  );
}
