/** How much of the routing token ids determine, and how much their context changes. */
import type { TraceEvidence } from '../findings/trace-evidence';
import {
  jaccard,
  MIN_SEEN,
  vocabularySpecialisation,
  type RouterTally,
  type VocabularySpecialisation
} from '../../measures';
import { MoEDebuggerError } from '../../base/errors';
import { findPlace, layerName, type RouterPlace } from '../../base/protocol';
import { evidenceOf, type TraceInput } from '../findings/trace-input';

/** How similarly a token is routed in different contexts. */
export interface ContextStability {
  /** Mean share of experts that two occurrences of an id have in common. */
  sameId: number;
  /** The same for two random tokens: the value from load alone. */
  anyTwo: number;
  /** Ids that occur often enough. */
  ids: number;
}

/** Whether tokens can be told apart, by their ids or their texts. */
export function hasTokens({ known }: TraceEvidence): boolean {
  return known.tokenIds || known.texts;
}

function rowsOf(evidence: TraceEvidence, router: RouterTally): Uint32Array[] {
  const units = evidence.units(layerName(router.router))!.ids;
  return evidence.ids.tokens.map((_, row) => units.row(row));
}

/** OLMoE's vocabulary specialisation of one router. */
export function vocabularyOf(
  evidence: TraceEvidence,
  router: RouterTally
): VocabularySpecialisation {
  return vocabularySpecialisation(
    rowsOf(evidence, router),
    evidence.ids.tokens,
    router.router.experts
  );
}

/**
 * For two occurrences of an id in different contexts, the expected share of experts in common is
 * sum c_e (c_e - 1) / (n (n - 1) k), averaged over ids with their tokens.
 */
export function contextStability(
  evidence: TraceEvidence,
  router: RouterTally
): ContextStability {
  const { topK } = router.router;
  const common = (counts: ArrayLike<number>, n: number): number => {
    let pairs = 0;
    for (let e = 0; e < counts.length; e++) {
      pairs += counts[e] * (counts[e] - 1);
    }
    return pairs / (n * (n - 1) * topK);
  };
  let total = 0;
  let tokens = 0;
  let ids = 0;
  rowsOf(evidence, router).forEach((row, i) => {
    const seen = evidence.ids.tokens[i];
    if (seen >= MIN_SEEN) {
      total += seen * common(row, seen);
      tokens += seen;
      ids++;
    }
  });
  return {
    sameId: total / tokens,
    anyTwo: common(router.counts, router.tokens),
    ids
  };
}

/**
 * Jaccard index of the sets of ids that select each pair of experts, [experts, experts].
 *
 * @param input a trace, its samples, or its evidence
 * @param place a layer, or the tally of its router
 * @throws MoEDebuggerError 'input' for what is no trace, a layer that is not there, and unknown tokens
 */
export function tokenSetSimilarity(
  input: TraceEvidence | TraceInput,
  place: RouterTally | RouterPlace | number
): Float64Array {
  const evidence = evidenceOf(input, 'tokenSetSimilarity');
  const router = routerAt(evidence, place);
  const { experts } = router.router;
  if (!hasTokens(evidence)) {
    throw new MoEDebuggerError('input', 'the tokens of the trace are unknown', {
      where: layerName(router.router),
      hint: 'trace or import it with token ids'
    });
  }
  const sets = Array.from({ length: experts }, () => new Set<number>());
  rowsOf(evidence, router).forEach((row, id) =>
    row.forEach((count, e) => {
      if (count > 0) {
        sets[e].add(id);
      }
    })
  );
  return Float64Array.from({ length: experts * experts }, (_, at) =>
    jaccard(sets[Math.floor(at / experts)], sets[at % experts])
  );
}

function routerAt(
  { tally: { routers } }: TraceEvidence,
  place: RouterTally | RouterPlace | number | undefined
): RouterTally {
  if (typeof place === 'object' && 'router' in place) {
    return place;
  }
  if (place === undefined || routers.length === 0) {
    throw new MoEDebuggerError(
      'input',
      place === undefined ? 'no layer is given' : 'the trace has no samples',
      {
        where: 'tokenSetSimilarity',
        hint: 'call tokenSetSimilarity(trace, layer)'
      }
    );
  }
  const wanted = typeof place === 'number' ? { layer: place } : place;
  return routers[
    findPlace(
      wanted,
      routers.map(({ router }) => router),
      'input'
    )
  ];
}
