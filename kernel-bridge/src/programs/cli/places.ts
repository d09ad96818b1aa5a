/** Routers and experts on the command line, as commander reads them. */
import { InvalidArgumentError, type Command } from 'commander';
import {
  readExpertPlace,
  readNumberedPlace,
  readPlace,
  type ExpertPlace,
  type RouterPlace
} from '../../base/protocol/places';

const EXPERT_FORM = '[STACK:]L[:MODULE]:E, such as 3:5';
const ROUTER_FORM = '[STACK:]L[:MODULE], such as 3';

/** Tells, at the end of a command's help, how its options name routers and experts. */
export function addPlacesHelp(command: Command): Command {
  return command.addHelpText(
    'after',
    `
L is a layer with a router, and L:E an expert of it. Where a layer has several routers, say which by
[STACK:]L[:MODULE]: STACK is encoder or decoder, MODULE is attention or mlp. Examples of experts:
3:5, 0:attention:2, encoder:1:4.`
  );
}

/** @throws InvalidArgumentError, as all of these do */
export function parseExpertPlace(text: string): ExpertPlace {
  return given(readExpertPlace(text.trim()), EXPERT_FORM);
}

/** A router and a k for it. */
export function parseTopKPlace(text: string): RouterPlace & { k: number } {
  const found = readNumberedPlace(text.trim());
  const { place, number: k } = given(
    found,
    'K, or [STACK:]L[:MODULE]:K, such as 3:1'
  );
  return { ...place, k };
}

export function parseRouterPlaces(text: string): RouterPlace[] {
  return parts(text).map(parseRouterPlace);
}

export function parseRouterPlace(text: string): RouterPlace {
  return given(readPlace(text.trim()), ROUTER_FORM);
}

/** Numbers of experts, or experts with their places. */
export function parseExperts(text: string): (number | ExpertPlace)[] {
  return parts(text).map(part =>
    /^\d+$/.test(part) ? Number(part) : parseExpertPlace(part)
  );
}

/** A layer of the residual stream, which no module tells apart. */
export function parseStreamLayer(
  text: string
): Pick<RouterPlace, 'layer' | 'stack'> {
  const place = readPlace(text.trim());
  return given(
    place?.module === undefined ? place : undefined,
    '[STACK:]L, such as 3 or encoder:3'
  );
}

function parts(text: string): string[] {
  const found = text.split(/[\s,]+/).filter(Boolean);
  return given(found.length > 0 ? found : undefined, 'at least one');
}

function given<Value>(value: Value | undefined, form: string): Value {
  if (value === undefined) {
    throw new InvalidArgumentError(`give ${form}`);
  }
  return value;
}
