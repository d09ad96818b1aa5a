/** The logits that selected a token's experts: the router's own plus the edits, since traces store them before edits. */
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
 * @returns [experts], not to be changed; undefined if logits do not decide: an expert was forced, a bias is added to the scores only, or logits were not recorded
 */
export function chosenBy(
  { logits, experts }: RoutingLayer,
  token: number,
  position: number,
  edits: readonly EditRecord[]
): Float32Array | undefined {
  const here =
    edits.length === 0
      ? edits
      : edits.filter(({ tokens }) => includes(tokens, position));
  if (
    logits.length === 0 ||
    here.some(({ kind }) => kind === 'force' || kind === 'selectionBias')
  ) {
    return undefined;
  }
  const own = logits.subarray(token * experts, (token + 1) * experts);
  if (here.length === 0) {
    return own;
  }
  const row = own.slice();
  for (const { kind, mode, expert, value } of here) {
    if (kind === 'bias') {
      row[expert!] += value!;
    } else if (mode === 'mask') {
      row[expert!] = MASKED_LOGIT;
    }
  }
  return row;
}
