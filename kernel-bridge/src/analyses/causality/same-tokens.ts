/**
 * The control of an expert: at each token that selects it, the other selected expert of nearest weight. Ablated in its place,
 * these are as many selections, of the same layer and at the same tokens, whatever share of the tokens the expert takes.
 */
import type { RoutingLayer } from '../../base/protocol';
import type { TokenRange } from '../../run/edits/edits';

export interface SameTokens {
  ablate: { expert: number; tokens: TokenRange }[];
  /** Their routing weight, divided by the expert's. */
  weight: number;
  /** Factor of their change that makes up for the difference in weight. */
  scale: number;
}

/** Beyond this ratio changes are not in proportion to weight, and the noise of a scaled change would hide the expert's. */
const MAX_SCALE = 2;

/**
 * @param layer the routing of one prompt
 * @param usable whether an expert can be ablated
 * @returns undefined where no token selects the expert, or one that does selects no other, or there is no weight
 */
export function sameTokens(
  {
    selected,
    weights,
    topK
  }: Pick<RoutingLayer, 'selected' | 'weights' | 'topK'>,
  expert: number,
  usable: (expert: number) => boolean = () => true
): SameTokens | undefined {
  const ablate: { expert: number; tokens: [number, number] }[] = [];
  let [own, other] = [0, 0];
  for (let start = 0; start < selected.length; start += topK) {
    const slots = Array.from({ length: topK }, (_, i) => start + i);
    const slot = slots.find(at => selected[at] === expert);
    if (slot === undefined) {
      continue;
    }
    const distance = (at: number): number =>
      Math.abs(weights[at] - weights[slot]);
    const [nearest] = slots
      .filter(at => at !== slot && selected[at] >= 0 && usable(selected[at]))
      .sort((a, b) => distance(a) - distance(b));
    if (nearest === undefined) {
      return undefined;
    }
    own += Math.abs(weights[slot]);
    other += Math.abs(weights[nearest]);
    const token = start / topK;
    const last = ablate[ablate.length - 1];
    if (last?.expert === selected[nearest] && last.tokens[1] === token) {
      last.tokens[1]++;
    } else {
      ablate.push({ expert: selected[nearest], tokens: [token, token + 1] });
    }
  }
  return own > 0 && other > 0
    ? {
        ablate,
        weight: other / own,
        scale: Math.min(MAX_SCALE, Math.max(1 / MAX_SCALE, own / other))
      }
    : undefined;
}
