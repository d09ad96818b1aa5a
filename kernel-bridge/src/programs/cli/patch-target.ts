/** Parses the target of a circuit. */
import { InvalidArgumentError } from 'commander';
import type { PatchTarget } from '../../analyses/patching/options';
import { parseTarget } from './attribute-options';

export function parsePatchTarget(text: string): PatchTarget {
  if (text === 'difference') {
    return { kind: 'logit-difference' };
  }
  const pair = /^difference:(\d+):(\d+)$/.exec(text);
  if (pair) {
    return {
      kind: 'logit-difference',
      token: Number(pair[1]),
      against: Number(pair[2])
    };
  }
  if (text.startsWith('difference')) {
    throw new InvalidArgumentError('give difference or difference:ID:ID');
  }
  return parseTarget(text);
}
