/** Edits in words. */
import { layerName } from '../protocol';
import type { EditRecord, TokenRange } from './edits';

/** "layer 3: expert 5 dropped at tokens 4 to 7": how people read an edit. */
export function describeEdit(record: EditRecord): string {
  return `${layerName(record)}: ${what(record)}${where(record.tokens)}`;
}

function what({
  kind,
  expert,
  mode,
  to,
  k,
  value,
  scale,
  norm
}: EditRecord): string {
  switch (kind) {
    case 'ablate':
      return mode === 'swap'
        ? `expert ${to} in place of ${expert}`
        : `expert ${expert} ${mode === 'drop' ? 'dropped' : 'masked'}`;
    case 'force':
      return `expert ${expert} alone`;
    case 'topK':
      return `top-${k}`;
    case 'bias':
      return `expert ${expert} biased by ${value! < 0 ? '' : '+'}${value}`;
    case 'scale':
      return `expert ${expert} times ${value}`;
    case 'steer':
      return `steered by ${scale} times a vector of length ${norm!.toPrecision(3)}`;
  }
}

function where(tokens: TokenRange | undefined): string {
  if (!tokens) {
    return '';
  }
  const [from, to] = tokens;
  return to === undefined
    ? ` from token ${from} on`
    : to === from + 1
      ? ` at token ${from}`
      : ` at tokens ${from} to ${to - 1}`;
}
