import { phaseTime } from 'moe-debugger/protocol';
import type { ITranslation } from '../translation';
import type { RoutingModel } from './model';

/** "prompt of 12 tokens in 35 ms", "48 new tokens, 4.2 ms each", and whether more come. */
export function timeTexts(
  { steps, isLive }: Pick<RoutingModel, 'steps' | 'isLive'>,
  trans: ITranslation
): string[] {
  const prefill = phaseTime(steps, 'prefill');
  const decode = phaseTime(steps, 'decode');
  return [
    ...(prefill.steps > 0
      ? [
          trans._n(
            'prompt of %1 token in %2 ms',
            'prompt of %1 tokens in %2 ms',
            prefill.tokens,
            prefill.milliseconds.toFixed(1)
          )
        ]
      : []),
    ...(decode.tokens > 0
      ? [
          trans._n(
            '%1 new token, %2 ms each',
            '%1 new tokens, %2 ms each',
            decode.tokens,
            (decode.milliseconds / decode.tokens).toFixed(1)
          )
        ]
      : []),
    ...(isLive ? [trans.__('being written…')] : [])
  ];
}
