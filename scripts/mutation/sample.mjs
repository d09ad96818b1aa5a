/** Which mutants are tried: the same ones for the same seed, as long as their code stays. */
import { createHash } from 'node:crypto';

/**
 * Draws by a hash of what a mutant is, not of where: a change elsewhere in the file leaves the sample as it is.
 * @param {import('./mutants.mjs').Mutant[]} mutants
 */
export function drawMutants(mutants, count, seed) {
  const seen = new Map();
  return mutants
    .map(mutant => {
      const what = identity(mutant);
      // Equal changes of one file are told apart by their order.
      const nth = seen.get(what) ?? 0;
      seen.set(what, nth + 1);
      return { mutant, rank: hash(`${seed}\n${what}\n${nth}`) };
    })
    .sort((a, b) => (a.rank < b.rank ? -1 : 1))
    .slice(0, count)
    .map(({ mutant }) => mutant);
}

/** What a mutant changes, wherever it stands. */
export const identity = ({ file, kind, original, replacement }) =>
  [file, kind, original, replacement].join('\n');

const hash = text => createHash('sha256').update(text).digest('hex');
