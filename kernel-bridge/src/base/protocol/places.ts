/**
 * Where a router or an expert stands, as people write it: `[STACK:]L[:MODULE]`, and `[STACK:]L[:MODULE]:E` for an
 * expert. The command line, messages and filters read and write this one form.
 */
import { MoEDebuggerError, type ErrorCode } from '../errors';
import { layerName, type RouterIdentity } from './routing';

/** One router: its block, and its stack and module where the block's number alone does not tell it. */
export type RouterPlace = Pick<RouterIdentity, 'layer' | 'stack' | 'module'>;

export type ExpertPlace = RouterPlace & { expert: number };

const PLACE = '(?:(encoder|decoder):)?(\\d+)(?::(attention|mlp))?';
const ROUTER = new RegExp(`^${PLACE}$`);
const NUMBERED = new RegExp(`^${PLACE}:(\\d+)$`);

/** Reads `[STACK:]L[:MODULE]`; undefined for any other text. */
export function readPlace(text: string): RouterPlace | undefined {
  return placeOf(ROUTER.exec(text));
}

/** Reads a place and the number after it, which is an expert or a k; undefined for any other text. */
export function readNumberedPlace(
  text: string
): { place: RouterPlace; number: number } | undefined {
  const found = NUMBERED.exec(text);
  const place = placeOf(found);
  return place && { place, number: Number(found![4]) };
}

/** Reads `[STACK:]L[:MODULE]:E`; undefined for any other text. */
export function readExpertPlace(text: string): ExpertPlace | undefined {
  const found = readNumberedPlace(text);
  return found && { ...found.place, expert: found.number };
}

/** "3", "0:attention", "encoder:1": what `readPlace` reads. */
export function placeText({ stack, layer, module }: RouterPlace): string {
  return [stack, layer, module].filter(part => part !== undefined).join(':');
}

/** "3:5", "0:attention:2", "encoder:1:4": what `readExpertPlace` reads. */
export function expertText({ expert, ...place }: ExpertPlace): string {
  return `${placeText(place)}:${expert}`;
}

/** Indices of the candidates that a place may mean: what it leaves out may be anything. */
export function fittingPlaces(
  { layer, stack, module }: RouterPlace,
  candidates: readonly RouterPlace[]
): number[] {
  return [...candidates.keys()].filter(
    i =>
      candidates[i].layer === layer &&
      (stack === undefined || candidates[i].stack === stack) &&
      (module === undefined || candidates[i].module === module)
  );
}

/**
 * The index of the one candidate that a place means.
 *
 * @param what the candidates are
 * @throws MoEDebuggerError of the code given, where there is none, or more than one: it lists the choices
 */
export function findPlace(
  place: RouterPlace,
  candidates: readonly RouterPlace[],
  code: ErrorCode,
  { where = layerName(place), what = 'router' } = {}
): number {
  const fitting = fittingPlaces(place, candidates);
  if (fitting.length === 1) {
    return fitting[0];
  }
  throw new MoEDebuggerError(
    code,
    `${layerName(place)} has ${fitting.length === 0 ? 'no' : 'more than one'} ${what}`,
    {
      where,
      hint:
        fitting.length === 0
          ? `choose one of ${candidates.map(layerName).join(', ')}`
          : whichOf(fitting.map(i => candidates[i]))
    }
  );
}

/** The way out of a place that means several. */
export function whichOf(choices: readonly RouterPlace[]): string {
  return `say by stack or module which of ${choices.map(placeText).join(', ')}`;
}

function placeOf(found: RegExpExecArray | null): RouterPlace | undefined {
  if (!found) {
    return undefined;
  }
  const [, stack, layer, module] = found as unknown as [
    string,
    RouterPlace['stack'],
    string,
    string | undefined
  ];
  return {
    layer: Number(layer),
    ...(stack ? { stack } : {}),
    ...(module ? { module } : {})
  };
}
