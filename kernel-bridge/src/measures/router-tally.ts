/**
 * Everything that is counted of one router, over any number of tokens in the same memory. What the counts mean is
 * computed from them by the functions beside this file.
 */
import { MoEDebuggerError } from '../base/errors';
import { layerName, type RouterIdentity } from '../base/protocol';
import {
  CHUNK,
  Columns,
  type RoutingBlock,
  type WeightedBlock
} from './columns';
import { CountKernel, countColumns } from './count-chunk';
import { GroupCounts } from './group-counts';
import { LogitTally } from './logit-tally';
import { TallyState } from './tally-state';
import { TextSeries } from './text-series';
import { addTo } from './vectors';
import { WindowCounts } from './window-counts';

export interface AddOptions {
  /** The block goes on where the one before ended; otherwise it begins a sequence. */
  continues?: boolean;
  /** What kind of text it is, for counts by domain. */
  domain?: string;
  /** [tokens]: what each counts as evidence, from 0 to 1 (novelty.ts). Default: each token is new. */
  novelty?: ArrayLike<number>;
}

export interface DomainCounts {
  tokens: number;
  /** [experts], selections */
  counts: Float64Array;
  /** [experts], tokens whose first choice it was */
  firstChoice: Float64Array;
}

/** More domains than this are one of their own, so that hostile names take no memory. */
const MAX_DOMAINS = 256;
export const OTHER_DOMAINS = '(other domains)';

export class RouterTally {
  readonly router: RouterIdentity;
  /** Tokens counted, padding left out. */
  tokens = 0;
  /** Pairs of consecutive tokens of a sequence. */
  transitions = 0;
  /** Slots, topK a token, that no expert took. */
  droppedSlots = 0;
  /** [experts]: selections c_e */
  readonly counts: Float64Array;
  /** [experts]: tokens whose first choice, by weight, it was; as listed where weights were not recorded */
  readonly firstChoice: Float64Array;
  /** Tokens whose weights were recorded, and [experts] their selections. */
  weightedTokens = 0;
  readonly weightedCounts: Float64Array;
  /** Tokens and [experts] selections, each counted by its novelty: what is independent evidence. */
  effectiveTokens = 0;
  readonly effectiveCounts: Float64Array;
  /** [experts]: slots whose weight is not a finite number; they count with weight 0 */
  readonly nonFiniteWeights: Float64Array;
  readonly logits: LogitTally;
  readonly groups: GroupCounts;
  readonly windows: WindowCounts;
  readonly series: TextSeries;
  readonly domains = new Map<string, DomainCounts>();
  private readonly _columns: Columns;
  private readonly _state: TallyState;
  private readonly _kernel: CountKernel | undefined;
  /** The sequence that goes on has a token before. */
  private _started = false;

  /** @throws MoEDebuggerError 'input' for a router that chooses more experts than there are, or none */
  constructor(
    router: RouterIdentity,
    logitsAre: 'logits' | 'probabilities' = 'logits'
  ) {
    const { experts, topK, score } = router;
    if (
      !Number.isInteger(experts) ||
      !Number.isInteger(topK) ||
      topK < 1 ||
      topK > experts
    ) {
      throw new MoEDebuggerError('input', `top-${topK} of ${experts} experts`, {
        where: layerName(router),
        hint: 'the trace is damaged: k is between 1 and the number of experts'
      });
    }
    this.router = router;
    this._columns = new Columns(experts, topK);
    this._state = new TallyState(experts);
    this._kernel = CountKernel.for(this._state, topK);
    this.counts = new Float64Array(experts);
    this.firstChoice = new Float64Array(experts);
    this.weightedCounts = new Float64Array(experts);
    this.effectiveCounts = new Float64Array(experts);
    this.nonFiniteWeights = new Float64Array(experts);
    this.logits = new LogitTally(experts, topK, score, logitsAre);
    this.groups = new GroupCounts(experts);
    this.windows = new WindowCounts(experts);
    this.series = new TextSeries(experts);
  }

  /** [experts]: weights summed over the tokens that selected it */
  get gateSum(): Float64Array {
    return this._state.views.gates.slice();
  }

  /** Weights of first and of second choices, summed over tokens. */
  get choiceWeights(): { first: number; second: number } {
    const [first, second] = this._state.views.weights;
    return { first, second };
  }

  /** Transitions on which the first choice stayed, any expert stayed, and how many experts stayed in all. */
  get repeated(): { firstChoice: number; any: number; overlap: number } {
    return this._state.repeated();
  }

  /** [experts, experts], symmetric, zero on the diagonal: tokens that selected both. */
  pairs(ranks: 'all' | 'adjacent' = 'all'): Float64Array {
    return this._state.pairs(ranks);
  }

  /**
   * Counts consecutive tokens of one sequence.
   * @throws MoEDebuggerError 'input' when arrays do not fit each other, or an expert does not exist
   */
  add(given: RoutingBlock, options: AddOptions = {}): void {
    const { continues, domain, novelty } = options;
    const tokens = this._check(given, novelty);
    const hasWeights = (given.weights?.length ?? 0) > 0;
    // Equal weights keep the order in which experts are listed.
    const block = {
      ...given,
      weights: hasWeights ? given.weights! : noWeights(given.selected.length)
    };
    const before = this.tokens;
    if (!continues) {
      this._state.begin();
      this.series.begin();
      this._started = false;
    }
    for (let from = 0; from < tokens;) {
      from += this._addChunk(block, from, { domain, novelty, hasWeights });
    }
    const counted = this.tokens - before;
    if (counted > 0) {
      this.transitions += counted - (this._started ? 0 : 1);
      this._started = true;
    }
  }

  /** @returns how many tokens of the block it has read */
  private _addChunk(
    block: WeightedBlock,
    from: number,
    about: { domain?: string; novelty?: ArrayLike<number>; hasWeights: boolean }
  ): number {
    const columns = this._columns;
    const { counts, first } = this._state.views;
    counts.fill(0);
    first.fill(0);
    this._state.expect(CHUNK);
    const ordinary =
      block.padding || !this._kernel
        ? 0
        : this._kernel.count(this._state, block, from);
    const { selected, logits } = block;
    const read = (most: number): Columns =>
      columns.read(block, from, most, layerName(this.router));
    if (ordinary === 0) {
      countColumns(this._state, read(CHUNK));
      this.droppedSlots += columns.droppedSlots;
      addTo(this.nonFiniteWeights, columns.nonFinite);
    }
    if (logits && logits.length > 0) {
      if (ordinary > 0 && this.logits.hasKernel) {
        this.logits.addOrdinary({ selected, logits }, from, ordinary, () =>
          read(ordinary)
        );
      } else {
        this.logits.add(logits, ordinary > 0 ? read(ordinary) : columns);
      }
    }
    const counted = ordinary === 0 ? columns.length : ordinary;
    const tokens = ordinary === 0 ? columns.tokensRead : ordinary;
    this._spread(counted, about.domain, about.hasWeights);
    if (areNew(about.novelty, from, tokens)) {
      this._addEvidence(this._state.views.counts, counted);
    } else {
      this._addPart(block, from, tokens, about.novelty!);
    }
    return tokens;
  }

  /** Adds tokens by how much of each is new. */
  private _addPart(
    { selected, padding }: RoutingBlock,
    from: number,
    tokens: number,
    novelty: ArrayLike<number>
  ): void {
    const { topK, experts } = this.router;
    const counts = new Float64Array(experts);
    let effective = 0;
    for (let t = from; t < from + tokens; t++) {
      const weight = padding?.[t] ? 0 : novelty[t];
      effective += weight;
      for (let slot = t * topK; weight > 0 && slot < (t + 1) * topK; slot++) {
        if (selected[slot] >= 0) {
          counts[selected[slot]] += weight;
        }
      }
    }
    this._addEvidence(counts, effective);
  }

  private _addEvidence(counts: ArrayLike<number>, tokens: number): void {
    this.effectiveTokens += tokens;
    addTo(this.effectiveCounts, counts);
    this.groups.add(counts, tokens);
  }

  /** Adds the chunk's counts to everything that they are counts of. */
  private _spread(
    tokens: number,
    domain: string | undefined,
    hasWeights: boolean
  ): void {
    const { counts, first } = this._state.views;
    this.tokens += tokens;
    addTo(this.counts, counts);
    addTo(this.firstChoice, first);
    if (hasWeights) {
      this.weightedTokens += tokens;
      addTo(this.weightedCounts, counts);
    }
    this.windows.add(counts, tokens);
    this.series.add(counts, tokens);
    if (domain !== undefined) {
      const own = this._domain(domain);
      own.tokens += tokens;
      addTo(own.counts, counts);
      addTo(own.firstChoice, first);
    }
  }

  private _domain(name: string): DomainCounts {
    const key =
      this.domains.has(name) || this.domains.size < MAX_DOMAINS
        ? name
        : OTHER_DOMAINS;
    let found = this.domains.get(key);
    if (!found) {
      const { experts } = this.router;
      found = {
        tokens: 0,
        counts: new Float64Array(experts),
        firstChoice: new Float64Array(experts)
      };
      this.domains.set(key, found);
    }
    return found;
  }

  private _check(
    { selected, weights, logits, padding }: RoutingBlock,
    novelty: ArrayLike<number> | undefined
  ): number {
    const { experts, topK } = this.router;
    const tokens = selected.length / topK;
    const fits =
      Number.isInteger(tokens) &&
      (!weights ||
        weights.length === 0 ||
        weights.length === selected.length) &&
      (!logits || logits.length === 0 || logits.length === tokens * experts) &&
      (!padding || padding.length === tokens) &&
      (!novelty || novelty.length === tokens);
    if (!fits) {
      throw new MoEDebuggerError(
        'input',
        `${selected.length} experts, ${weights?.length ?? 0} weights, ${logits?.length ?? 0} logits and ${padding?.length ?? 0} padding marks do not fit top-${topK} of ${experts}`,
        {
          where: layerName(this.router),
          hint: 'give [tokens, k] experts, as many weights or none, [tokens, experts] logits or none, [tokens] marks or none'
        }
      );
    }
    return tokens;
  }
}

let zeros = new Float32Array(0);

function noWeights(slots: number): Float32Array {
  if (zeros.length < slots) {
    zeros = new Float32Array(slots);
  }
  return zeros.subarray(0, slots);
}

/** Whether each token counts in full. */
function areNew(
  novelty: ArrayLike<number> | undefined,
  from: number,
  tokens: number
): boolean {
  for (let t = from; novelty && t < from + tokens; t++) {
    if (novelty[t] < 1) {
      return false;
    }
  }
  return true;
}
