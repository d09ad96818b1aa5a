/** Aligns the tokens of two runs. */
import { MoEDebuggerError } from '../../base/errors';
import { NO_TOKEN_ID, type Token } from '../../base/protocol';

export interface Alignment {
  /** By position if the runs have the same token ids, otherwise by a longest common subsequence of the ids. */
  by: 'position' | 'sequence';
  /** In text order; null where only the other run has the token. */
  tokens: readonly AlignedToken[];
  /** Token indices in each run, [pairs]. */
  a: Int32Array;
  b: Int32Array;
}

export interface AlignedToken {
  /** Token index in the first run. */
  a: number | null;
  b: number | null;
}

/** Cells of the dynamic programming table: 64 MB, half a second. */
const MAX_CELLS = 2 ** 26;

/**
 * @param where names the prompt in errors
 * @throws MoEDebuggerError 'input' when an id has different texts in the runs, unknown tokens are not as many, or both are
 * too long to align
 */
export function alignTokens(
  a: readonly Token[],
  b: readonly Token[],
  where: string
): Alignment {
  const unknown = [a, b].some(tokens =>
    tokens.some(({ id }) => id === NO_TOKEN_ID)
  );
  // Of unknown tokens only the position says which belong together.
  if (unknown && a.length !== b.length) {
    throw new MoEDebuggerError(
      'input',
      `token ids are unknown, and there are ${a.length} and ${b.length} tokens`,
      {
        where,
        hint: 'compare runs of the same text, or import them with token ids'
      }
    );
  }
  let head = unknown ? a.length : 0;
  while (head < a.length && head < b.length && a[head].id === b[head].id) {
    head++;
  }
  const same = head === a.length && head === b.length;
  let tail = 0;
  while (
    tail < Math.min(a.length, b.length) - head &&
    a[a.length - 1 - tail].id === b[b.length - 1 - tail].id
  ) {
    tail++;
  }
  const tokens: AlignedToken[] = [];
  for (let i = 0; i < head; i++) {
    tokens.push({ a: i, b: i });
  }
  tokens.push(
    ...middle(
      ids(a, head, a.length - tail),
      ids(b, head, b.length - tail),
      where
    ).map(pair => ({
      a: pair.a === null ? null : pair.a + head,
      b: pair.b === null ? null : pair.b + head
    }))
  );
  for (let i = tail; i > 0; i--) {
    tokens.push({ a: a.length - i, b: b.length - i });
  }
  const pairs = tokens.filter(
    (token): token is { a: number; b: number } =>
      token.a !== null && token.b !== null
  );
  const mismatch = pairs.find(
    pair =>
      (a[pair.a].text ?? b[pair.b].text) !== (b[pair.b].text ?? a[pair.a].text)
  );
  if (mismatch) {
    const { id, text } = a[mismatch.a];
    throw new MoEDebuggerError(
      'input',
      `token ${id} is ${JSON.stringify(text)} in one run and ${JSON.stringify(b[mismatch.b].text)} in the other`,
      { where, hint: 'compare models with the same tokenizer' }
    );
  }
  return {
    by: same ? 'position' : 'sequence',
    tokens,
    a: Int32Array.from(pairs, pair => pair.a),
    b: Int32Array.from(pairs, pair => pair.b)
  };
}

function ids(tokens: readonly Token[], from: number, to: number): number[] {
  return tokens.slice(from, to).map(({ id }) => id);
}

/** A longest common subsequence by dynamic programming (Wagner and Fischer 1974), earliest matches first. */
function middle(
  a: readonly number[],
  b: readonly number[],
  where: string
): AlignedToken[] {
  const width = b.length + 1;
  if ((a.length + 1) * width > MAX_CELLS) {
    throw new MoEDebuggerError(
      'input',
      `${a.length} and ${b.length} differing tokens are too many to align`,
      { where, hint: 'compare shorter prompts' }
    );
  }
  // Lengths of common subsequences of two suffixes; only the last two rows are kept, and the steps for backtracking.
  const steps = new Uint8Array((a.length + 1) * width);
  let below = new Int32Array(width);
  let row = new Int32Array(width);
  for (let i = a.length - 1; i >= 0; i--) {
    row[b.length] = 0;
    for (let j = b.length - 1; j >= 0; j--) {
      if (a[i] === b[j]) {
        row[j] = below[j + 1] + 1;
        steps[i * width + j] = BOTH;
      } else if (below[j] >= row[j + 1]) {
        row[j] = below[j];
        steps[i * width + j] = ONLY_A;
      } else {
        row[j] = row[j + 1];
        steps[i * width + j] = ONLY_B;
      }
    }
    [below, row] = [row, below];
  }
  const tokens: AlignedToken[] = [];
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    const step =
      i === a.length ? ONLY_B : j === b.length ? ONLY_A : steps[i * width + j];
    tokens.push({
      a: step === ONLY_B ? null : i,
      b: step === ONLY_A ? null : j
    });
    i += step === ONLY_B ? 0 : 1;
    j += step === ONLY_A ? 0 : 1;
  }
  return tokens;
}

const BOTH = 1;
const ONLY_A = 2;
const ONLY_B = 3;
