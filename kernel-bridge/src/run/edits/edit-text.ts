/** Formats an edit as text. */
import { layerName } from '../../base/protocol';
import type { EditRecord, TokenRange } from './edits';

/** "ablate expert 5 of layer 3 by mask, from token 4 on". */
export function editText(edit: EditRecord): string {
  const { kind, expert, mode, to, k, value, norm, tokens } = edit;
  const place = layerName(edit);
  const texts: Partial<Record<string, string>> = {
    ablate: `ablate expert ${expert} of ${place} by ${mode}${to === undefined ? '' : ` to expert ${to}`}`,
    force: `force expert ${expert} of ${place}`,
    topK: `top-${k} of ${place}`,
    bias: `add ${value} to expert ${expert} of ${place}`,
    selectionBias: `add ${value} to what expert ${expert} of ${place} is selected by`,
    scale: `multiply expert ${expert} of ${place} by ${value}`,
    steer: `steer ${place} by a vector of length ${norm?.toPrecision(3)}${edit.scale === undefined ? '' : ` times ${edit.scale}`}`
  };
  // A trace file of a later version may have edits of other kinds.
  const what = Object.hasOwn(texts, kind) ? texts[kind] : `${kind} in ${place}`;
  return `${what}${tokens ? `, ${rangeText(tokens)}` : ''}`;
}

function rangeText([from, to]: TokenRange): string {
  return to === undefined
    ? `from token ${from} on`
    : to === from + 1
      ? `at token ${from}`
      : `at tokens ${from} to ${to - 1}`;
}
