/**
 * Everything that is counted of one router, over any number of tokens in the same memory. What the counts mean is
 * computed from them by the functions beside this file.
 */
import { MoEDebuggerError } from '../errors';
import { layerName, type RouterIdentity } from '../protocol';
import { CHUNK, Columns, type RoutingBlock } from './columns';
import { GroupCounts } from './group-counts';
import { LogitTally } from './logit-tally';
import { PairCounts } from './pair-counts';
import { RepeatCounts } from './repeat-counts';
import { addTo } from './vectors';
import { WindowCounts } from './window-counts';

export interface AddOptions {
  /** The block goes on where the one before ended; otherwise it begins a sequence. */
  continues?: boolean;
  /** What kind of text it is, for counts by domain. */
  domain?: string;
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
  /** Slots, topK a token, that no expert took. */
  droppedSlots = 0;
  /** [experts]: selections c_e */
  readonly counts: Float64Array;
  /** [experts]: tokens whose first choice, by weight, it was */
  readonly firstChoice: Float64Array;
  /** [experts]: weights summed over the tokens that selected it */
  readonly gateSum: Float64Array;
  /** [experts]: slots whose weight is not a finite number */
  readonly nonFiniteWeights: Float64Array;
  /** Weights of first and of second choices, summed over tokens. */
  firstWeight = 0;
  secondWeight = 0;
  readonly pairs: PairCounts;
  readonly repeats: RepeatCounts;
  readonly logits: LogitTally;
  readonly groups: GroupCounts;
  readonly windows: WindowCounts;
  readonly domains = new Map<string, DomainCounts>();
  private readonly _columns: Columns;
  private readonly _chunkCounts: Int32Array;
  private readonly _chunkFirst: Int32Array;
  private readonly _gates: Float64Array;

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
    const { dropped } = this._columns;
    this.counts = new Float64Array(experts);
    this.firstChoice = new Float64Array(experts);
    this.nonFiniteWeights = new Float64Array(experts);
    this._gates = new Float64Array(dropped + 1);
    this.gateSum = this._gates.subarray(0, experts);
    this._chunkCounts = new Int32Array(dropped + 1);
    this._chunkFirst = new Int32Array(dropped + 1);
    this.pairs = new PairCounts(experts, dropped);
    this.repeats = new RepeatCounts(dropped);
    this.logits = new LogitTally(experts, score, logitsAre);
    this.groups = new GroupCounts(experts);
    this.windows = new WindowCounts(experts);
  }

  /**
   * Counts consecutive tokens of one sequence.
   * @throws MoEDebuggerError 'input' when arrays do not fit each other, or an expert does not exist
   */
  add(block: RoutingBlock, { continues, domain }: AddOptions = {}): void {
    const tokens = this._check(block);
    if (!continues) {
      this.repeats.begin();
    }
    for (let from = 0; from < tokens; from += CHUNK) {
      this._columns.read(block, from, layerName(this.router));
      this._addChunk(block.logits, domain);
    }
  }

  private _addChunk(
    logits: Float32Array | undefined,
    domain: string | undefined
  ): void {
    const columns = this._columns;
    this._count(columns);
    this.pairs.add(columns);
    this.repeats.add(columns);
    if (logits && logits.length > 0) {
      this.logits.add(logits, columns);
    }
    this._spread(columns, domain);
  }

  private _count({ experts, weights, topK, length }: Columns): void {
    const counts = this._chunkCounts.fill(0);
    const first = this._chunkFirst.fill(0);
    const gates = this._gates;
    for (let rank = 0; rank < topK; rank++) {
      const base = rank * CHUNK;
      for (let at = base; at < base + length; at++) {
        const expert = experts[at];
        counts[expert]++;
        gates[expert] += weights[at];
      }
    }
    let firstWeight = 0;
    let secondWeight = 0;
    for (let t = 0; t < length; t++) {
      first[experts[t]]++;
      firstWeight += weights[t];
    }
    if (topK > 1) {
      for (let t = CHUNK; t < CHUNK + length; t++) {
        secondWeight += weights[t];
      }
    }
    this.firstWeight += firstWeight;
    this.secondWeight += secondWeight;
  }

  /** Adds the chunk's counts to everything that they are counts of. */
  private _spread(columns: Columns, domain: string | undefined): void {
    const { length, dropped, irregular, nonFinite } = columns;
    const counts = this._chunkCounts;
    const first = this._chunkFirst;
    this.tokens += length;
    this.droppedSlots += counts[dropped];
    addTo(this.counts, counts);
    addTo(this.firstChoice, first);
    if (irregular) {
      addTo(this.nonFiniteWeights, nonFinite);
    }
    this.groups.add(counts, length);
    this.windows.add(counts, length);
    if (domain !== undefined) {
      const own = this._domain(domain);
      own.tokens += length;
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

  private _check({ selected, weights, logits, padding }: RoutingBlock): number {
    const { experts, topK } = this.router;
    const tokens = selected.length / topK;
    const fits =
      Number.isInteger(tokens) &&
      weights.length === selected.length &&
      (!logits || logits.length === 0 || logits.length === tokens * experts) &&
      (!padding || padding.length === tokens);
    if (!fits) {
      throw new MoEDebuggerError(
        'input',
        `${selected.length} experts, ${weights.length} weights, ${logits?.length ?? 0} logits and ${padding?.length ?? 0} padding marks do not fit top-${topK} of ${experts}`,
        {
          where: layerName(this.router),
          hint: 'give [tokens, k] experts and weights, [tokens, experts] logits or none, [tokens] marks or none'
        }
      );
    }
    return tokens;
  }
}
