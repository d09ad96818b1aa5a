/** The logits that a token was really chosen by: a trace keeps the router's own, from before the edits. */
import { includes, type EditRecord } from '../../run/edits/edits';
import type { RouterIdentity, RoutingLayer } from '../../base/protocol';
import { MASKED_LOGIT } from '../../routing/adjustment';

/** The edits of one router. */
export function editsOfRouter(
  edits: readonly EditRecord[],
  { layer, stack, module }: Pick<RouterIdentity, 'layer' | 'stack' | 'module'>
): EditRecord[] {
  return edits.filter(
    edit =>
      edit.layer === layer &&
      (edit.stack === undefined || edit.stack === stack) &&
      (edit.module === undefined || edit.module === module)
  );
}

/**
 * @param edits of this router
 * @param position of the token in its sequence
 * @returns [experts]; undefined where no logits decide, since an expert was forced or the logits were left out
 */
export function chosenBy(
  { logits, experts }: RoutingLayer,
  token: number,
  position: number,
  edits: readonly EditRecord[]
): Float32Array | undefined {
  const here = edits.filter(({ tokens }) => includes(tokens, position));
  if (logits.length === 0 || here.some(({ kind }) => kind === 'force')) {
    return undefined;
  }
  const row = logits.slice(token * experts, (token + 1) * experts);
  for (const { kind, mode, expert, value } of here) {
    if (kind === 'bias') {
      row[expert!] += value!;
    } else if (mode === 'mask') {
      row[expert!] += MASKED_LOGIT;
    }
  }
  return row;
}
