/**
 * Tokens that training never had as a next token. Their rows of the unembedding got the same gradient, away from what the
 * model says elsewhere, so they lie close to each other (Land and Bartolo 2024, "Fishing for Magikarp", arXiv 2405.05417).
 * Known untrained tokens give the centre; the tokens of the prompts, which are trained, show whether a distance tells both
 * apart. Where it does not, no token is called untrained.
 */
import { randomNumbers } from '../../../base/statistics/random';
import { median } from '../../../base/statistics/summary';
import type { UnembeddingSketch } from './unembedding-sketch';

export interface UntrainedTokens {
  /** Left out of the lists; empty where the criterion does not separate. */
  ids: number[];
  /** Tokens of the vocabulary. */
  of: number;
  /**
   * What the centre is the mean of: tokens that no text has (ids without an entry, bytes that UTF-8 lacks), or, where the
   * tokenizer has none, the rows that lie closest to each other.
   */
  centre: 'tokens that no text has' | 'closest rows' | null;
  /** Tokens that the centre is the mean of, and how many of them are below the threshold. */
  known: number;
  knownBelow: number;
  /** Different tokens of the prompts, and how many of them are below the threshold; these are not left out. */
  seen: number;
  seenBelow: number;
  /** Youden's J: the share of the known ones below the threshold minus that of the seen ones. Null: not computed. */
  separation: number | null;
  /** Largest distance of a row from the centre, over the median distance of the tokens of the prompts. */
  threshold: number | null;
  /** Why no token is left out; null where the criterion separates. */
  why: string | null;
}

const LEAST_KNOWN = 3;
const LEAST_SEEN = 8;
/** Youden's J from which on the criterion is used. */
const LEAST_SEPARATION = 0.8;
/** A prompt may have an untrained token: cuts that are worse by so much are as good. */
const TOLERANCE = 0.02;
/** Where nothing but the rows themselves says which are untrained, the next one must be this many times as far. */
const LEAST_GAP = 2;
/** Rows that are compared with each other to find the closest. */
const MOST_COMPARED = 1000;

/**
 * @param never ids that no text has
 * @param seen ids of the prompts
 */
export function findUntrained(
  sketch: UnembeddingSketch,
  never: readonly number[],
  seen: ReadonlySet<number>
): UntrainedTokens {
  const known = never.filter(id => id < sketch.vocabulary && !seen.has(id));
  const fromTokenizer = known.length >= LEAST_KNOWN;
  const seeds = fromTokenizer ? known : closestRows(sketch, seen);
  const none = {
    ids: [],
    of: sketch.vocabulary,
    centre: null,
    known: 0,
    knownBelow: 0,
    seen: seen.size,
    seenBelow: 0,
    separation: null,
    threshold: null
  };
  if (seen.size < LEAST_SEEN) {
    return {
      ...none,
      why: `the prompts have ${seen.size} different tokens: at least ${LEAST_SEEN} are needed to tell whether untrained tokens stand out`
    };
  }
  if (seeds.length < LEAST_KNOWN) {
    return {
      ...none,
      why: 'the vocabulary has too few tokens that are not in the prompts'
    };
  }
  const distances = distancesFrom(sketch, centreOf(sketch, seeds));
  const unit = median([...seen].map(id => distances[id]));
  const cut = bestCut(distances, seeds, seen, fromTokenizer ? 1 : LEAST_GAP);
  const below = (id: number): boolean => distances[id] <= cut.threshold;
  const found = {
    ...none,
    centre: fromTokenizer
      ? ('tokens that no text has' as const)
      : ('closest rows' as const),
    known: seeds.length,
    knownBelow: seeds.filter(below).length,
    seenBelow: [...seen].filter(below).length,
    separation: cut.separation,
    threshold: cut.threshold / unit
  };
  if (!(cut.separation >= LEAST_SEPARATION) || cut.gap < cut.leastGap) {
    return {
      ...found,
      why: fromTokenizer
        ? "rows of the unembedding do not tell tokens that no text has from the prompts' tokens"
        : 'no group of rows of the unembedding stands apart from the others'
    };
  }
  const ids: number[] = [];
  for (let id = 0; id < sketch.vocabulary; id++) {
    if (below(id) && !seen.has(id)) {
      ids.push(id);
    }
  }
  return { ...found, ids, why: null };
}

/** The mean of the half of the rows that lies closest to the mean of all: a known token may have been trained all the same. */
function centreOf(
  sketch: UnembeddingSketch,
  ids: readonly number[]
): Float64Array {
  const distances = distancesFrom(sketch, meanRow(sketch, ids));
  const half = [...ids]
    .sort((a, b) => distances[a] - distances[b])
    .slice(0, Math.max(LEAST_KNOWN, Math.ceil(ids.length / 2)));
  return meanRow(sketch, half);
}

function meanRow(
  { rows, size }: UnembeddingSketch,
  ids: readonly number[]
): Float64Array {
  const mean = new Float64Array(size);
  for (const id of ids) {
    for (let i = 0; i < size; i++) {
      mean[i] += rows[id * size + i] / ids.length;
    }
  }
  return mean;
}

function distancesFrom(
  { rows, size, vocabulary }: UnembeddingSketch,
  centre: ArrayLike<number>
): Float64Array {
  return Float64Array.from({ length: vocabulary }, (_, id) => {
    let squares = 0;
    for (let i = 0; i < size; i++) {
      squares += (rows[id * size + i] - centre[i]) ** 2;
    }
    return Math.sqrt(squares);
  });
}

interface Cut {
  threshold: number;
  separation: number;
  /** The first distance above the threshold over the last one below it. */
  gap: number;
  leastGap: number;
}

/** Of the cuts that tell the known from the seen ones about as well as the best, the one in the widest gap of all tokens. */
function bestCut(
  distances: Float64Array,
  known: readonly number[],
  seen: ReadonlySet<number>,
  leastGap: number
): Cut {
  const isKnown = new Set(known);
  const order = [...distances.keys()].sort(
    (a, b) => distances[a] - distances[b]
  );
  let [knownBelow, seenBelow] = [0, 0];
  const cuts = order.map((id, i): Omit<Cut, 'leastGap'> => {
    knownBelow += Number(isKnown.has(id));
    seenBelow += Number(seen.has(id));
    return {
      threshold: distances[id],
      separation: knownBelow / isKnown.size - seenBelow / seen.size,
      gap:
        i + 1 < order.length ? ratio(distances[order[i + 1]], distances[id]) : 1
    };
  });
  const best = cuts.reduce(
    (most, { separation }) => Math.max(most, separation),
    -Infinity
  );
  const [widest] = cuts
    .filter(({ separation }) => separation >= best - TOLERANCE)
    .sort((a, b) => b.gap - a.gap);
  return { ...widest, leastGap };
}

function ratio(far: number, near: number): number {
  return far === near ? 1 : far / near;
}

/** The rows closest to each other among those of tokens that the prompts lack. */
function closestRows(
  { rows, size, vocabulary }: UnembeddingSketch,
  seen: ReadonlySet<number>
): number[] {
  const unseen = Array.from({ length: vocabulary }, (_, id) => id).filter(
    id => !seen.has(id)
  );
  const random = randomNumbers(0);
  const ids =
    unseen.length <= MOST_COMPARED
      ? unseen
      : Array.from(
          { length: MOST_COMPARED },
          (_, i) =>
            unseen[Math.floor(((i + random()) * unseen.length) / MOST_COMPARED)]
        );
  let closest: { reach: number; group: number[] } = {
    reach: Infinity,
    group: []
  };
  for (const id of ids) {
    const near = ids
      .map(other => {
        let squares = 0;
        for (let i = 0; i < size; i++) {
          squares += (rows[id * size + i] - rows[other * size + i]) ** 2;
        }
        return { other, squares };
      })
      .sort((a, b) => a.squares - b.squares)
      .slice(0, LEAST_KNOWN);
    const reach = near.at(-1)!.squares;
    if (near.length === LEAST_KNOWN && reach < closest.reach) {
      closest = { reach, group: near.map(({ other }) => other) };
    }
  }
  return closest.group;
}
