/**
 * The filter of token lists: terms joined by AND. `name:value`, `name<number`, `name>number`, `"text"`, `-term` for not,
 * `a,b` for or, `2..4` for a range. A page underlines what is wrong, and the kernel that has the trace applies it.
 */
import { readExpertPlace, readPlace, type RouterPlace } from './places';

/** Names of terms, in the order in which they are offered. */
export const FILTER_NAMES = [
  'expert',
  'layer',
  'domain',
  'sample',
  'text',
  'token',
  'weight',
  'rank',
  'margin',
  'id',
  'pos'
] as const;
export type FilterName = (typeof FILTER_NAMES)[number];

/** A number from `low` to `high`; `low` or `high` is left out where `isOpen` says so. */
export interface NumberRange {
  low: number;
  high: number;
  /** For `<` and `>`: the end is not included. */
  isOpen: boolean;
}

interface TermPlace {
  isNegated: boolean;
  /** Index of its first character in the filter, and its length. */
  at: number;
  length: number;
}

export type FilterTerm = TermPlace &
  (
    | { name: 'expert'; experts: { expert: number; place?: RouterPlace }[] }
    | { name: 'layer'; layers: (NumberRange | RouterPlace)[] }
    | { name: 'domain' | 'sample' | 'text' | 'token'; texts: string[] }
    | {
        name: 'weight' | 'rank' | 'margin' | 'id' | 'pos';
        ranges: NumberRange[];
      }
  );

/** What is wrong at a place of the filter, and what to write instead. */
export interface FilterProblem {
  at: number;
  length: number;
  message: string;
}

export interface ParsedFilter {
  terms: FilterTerm[];
  problems: FilterProblem[];
}

/** A term begins at a space; a quoted text may contain spaces, and `\"` for a quote. */
const TERM = /-?(?:[^\s"]|"(?:\\.|[^"\\])*"?)+/g;
const PARTS = /^(-?)([A-Za-z]*)([:<>])(.*)$/s;
const VALUES = /(?:"(?:\\.|[^"\\])*"?|[^,"])+/g;

/** Never throws: what cannot be read is a problem, and no term. */
export function parseFilter(filter: string): ParsedFilter {
  const terms: FilterTerm[] = [];
  const problems: FilterProblem[] = [];
  for (const { 0: term, index: at } of filter.matchAll(TERM)) {
    const read = readTerm(term);
    if (typeof read === 'string') {
      problems.push({ at, length: term.length, message: read });
    } else {
      terms.push({ ...read, at, length: term.length });
    }
  }
  return { terms, problems };
}

/** A text as a value of a term: quoted where it must be. */
export function quoted(value: string): string {
  return /^[^\s",]+$/.test(value)
    ? value
    : `"${value.replace(/[\\"]/g, character => `\\${character}`)}"`;
}

type BareTerm = FilterTerm extends infer Term
  ? Term extends FilterTerm
    ? Omit<Term, 'at' | 'length'>
    : never
  : never;

/** The term, or what is wrong with it. */
function readTerm(term: string): BareTerm | string {
  const parts = PARTS.exec(term);
  if (!parts || term.startsWith('"') || term.startsWith('-"')) {
    const isNegated = term.startsWith('-');
    const bare = isNegated ? term.slice(1) : term;
    return bare.startsWith('"')
      ? { name: 'text', isNegated, texts: [unquoted(bare)] }
      : `write text:${quoted(bare)} to search the text, or name:value`;
  }
  const [, minus, given, operator, rest] = parts;
  const isNegated = minus === '-';
  const name = FILTER_NAMES.find(own => own === given.toLowerCase());
  if (!name) {
    return `unknown name "${given}"${suggestion(given)}`;
  }
  const values = rest.match(VALUES) ?? [];
  if (values.length === 0) {
    return `${name} needs a value`;
  }
  switch (name) {
    case 'weight':
    case 'rank':
    case 'margin':
    case 'id':
    case 'pos': {
      const ranges = values.map(value => readRange(operator, value));
      return ranges.every(range => range !== undefined)
        ? { name, isNegated, ranges }
        : `${name} takes a number or a range such as 0..2`;
    }
    case 'layer': {
      const layers = values.map(
        value =>
          readRange(operator, value) ??
          (operator === ':' ? readPlace(value) : undefined)
      );
      return layers.every(layer => layer !== undefined)
        ? { name, isNegated, layers }
        : 'layer takes a number, a range such as 2..4, or a place such as encoder:1';
    }
    default:
  }
  if (operator !== ':') {
    return `${name} takes no ${operator}: write ${name}:value`;
  }
  if (name === 'expert') {
    const experts = values.map(readExpert);
    return experts.every(expert => expert !== undefined)
      ? { name, isNegated, experts }
      : 'expert takes a number, or layer:expert such as 2:5';
  }
  return { name, isNegated, texts: values.map(unquoted) };
}

function readExpert(
  value: string
): { expert: number; place?: RouterPlace } | undefined {
  if (/^\d+$/.test(value)) {
    return { expert: Number(value) };
  }
  const read = readExpertPlace(value);
  if (!read) {
    return undefined;
  }
  const { expert, ...place } = read;
  return { expert, place };
}

const NUMBER = String.raw`-?(?:\d+(?:\.\d*)?|\.\d+)(?:e[-+]?\d+)?`;
const RANGE = new RegExp(`^(${NUMBER})(?:\\.\\.(${NUMBER}))?$`, 'i');

function readRange(operator: string, value: string): NumberRange | undefined {
  const found = RANGE.exec(value);
  if (!found) {
    return undefined;
  }
  const low = Number(found[1]);
  const isRange = found[2] !== undefined;
  switch (operator) {
    case '<':
      return isRange ? undefined : { low: -Infinity, high: low, isOpen: true };
    case '>':
      return isRange ? undefined : { low, high: Infinity, isOpen: true };
    default:
      return { low, high: isRange ? Number(found[2]) : low, isOpen: false };
  }
}

export function isInRange(value: number, range: NumberRange): boolean {
  return range.isOpen
    ? value > range.low && value < range.high
    : value >= range.low && value <= range.high;
}

function unquoted(value: string): string {
  return value.startsWith('"')
    ? value.slice(1).replace(/"$/, '').replace(/\\(.)/g, '$1')
    : value;
}

/** The name that begins most like the one given. */
function suggestion(given: string): string {
  const [best] = FILTER_NAMES.map(name => ({
    name,
    shared: sharedStart(name, given.toLowerCase())
  })).sort((a, b) => b.shared - a.shared);
  return best.shared >= 2
    ? `: did you mean ${best.name}?`
    : `: use ${FILTER_NAMES.join(', ')}`;
}

function sharedStart(a: string, b: string): number {
  let length = 0;
  while (length < a.length && a[length] === b[length]) {
    length++;
  }
  return length;
}
