import { Signal } from '@lumino/signaling';
import type {
  ExpertElement,
  FindingsState,
  ModelElement,
  ModelSummary,
  OutlineRouter,
  ProfileDocument,
  TokenPage,
  TokenPageLayer,
  TokenQuestion,
  TraceOutline,
  TraceSummary
} from 'moe-debugger/protocol';
import type { IViewContext } from '../devtools/context';
import { NetworkModel } from '../devtools/network/model';
import { Selection, type ITraceSource } from '../source';
import { testContext } from './context';

/** A source of traces that a test controls. */
export class FakeSource implements ITraceSource {
  readonly name = 'a.ipynb';
  readonly changed = new Signal<this, void>(this);
  models: ModelSummary[] = [];
  traces: TraceSummary[] = [];
  trace: TraceSummary | undefined;
  outline: TraceOutline | undefined;
  findings: FindingsState | undefined;
  isReading = false;
  error: string | undefined;
  isLive = true;
  isStale = false;
  revision = 1;
  diagnosed = 0;
  asked: TokenQuestion[] = [];
  /** Answers a question; a test may replace it. */
  answer: (question: TokenQuestion) => Promise<TokenPage> = question =>
    Promise.resolve(page(question));

  select(): void {
    // Tests select by `show`.
  }

  diagnose(): void {
    this.diagnosed++;
  }

  model: ModelSummary | undefined;
  element: ModelElement | undefined;
  askedExperts: string[] = [];
  expertElement: ExpertElement | undefined;

  elements(): Promise<ModelElement> {
    return this.element
      ? Promise.resolve(this.element)
      : Promise.reject(new Error('the model is gone'));
  }

  expert(
    _modelId: string,
    layerIndex: number,
    expert: number
  ): Promise<ExpertElement> {
    this.askedExperts.push(`${layerIndex}:${expert}`);
    return this.expertElement
      ? Promise.resolve({ ...this.expertElement, expert })
      : Promise.reject(new Error('the weights are gone'));
  }

  /** Answers `profile`; a test may replace it. */
  profile: (sample: number, signal: AbortSignal) => Promise<ProfileDocument> =
    () => Promise.reject(new Error('nothing to profile'));

  tokens(question: TokenQuestion): Promise<TokenPage> {
    this.asked.push(question);
    return this.answer(question);
  }

  /** Changes what there is, and says so. */
  show(change: Partial<FakeSource>): void {
    Object.assign(this, change);
    this.changed.emit();
  }
}

/** A trace of 12 tokens of two samples, one German. */
export const OUTLINE: TraceOutline = {
  model: 'demo',
  tokens: 12,
  samples: [
    { id: 'first', domain: 'english', tokens: 8 },
    { id: 'second', domain: 'german', tokens: 4 }
  ],
  samplesOmitted: 0,
  domains: ['english', 'german'],
  known: {
    weights: true,
    logits: true,
    tokenIds: true,
    texts: true,
    domains: true
  },
  routers: [outlineRouter(0), outlineRouter(2)]
};

export function outlineRouter(
  layer: number,
  more: Partial<OutlineRouter> = {}
): OutlineRouter {
  return {
    layer,
    experts: 3,
    topK: 2,
    score: 'softmax',
    tokens: 12,
    balance: 0.96,
    counts: Int32Array.of(12, 8, 4),
    domainTokens: Int32Array.of(8, 4),
    domainCounts: Int32Array.of(8, 8, 0, 4, 0, 4),
    ...more
  };
}

const NAME = 'two texts';

export const TRACE: TraceSummary = {
  id: 't',
  modelId: 'm',
  model: 'demo',
  label: NAME,
  samples: 2,
  coverage: { moeLayers: 2, layersCaptured: 2, tokens: 12, slots: 48 },
  created: 0
};

/** Rows of a list of 12 tokens: each takes experts 0 (0.75) and 1, the fourth in a near miss. */
export function page(
  { from, count }: Pick<TokenQuestion, 'from' | 'count'>,
  more: Partial<TokenPage> = {}
): TokenPage {
  const length = Math.max(0, Math.min(count, 12 - from));
  const rows = Array.from({ length }, (_, i) => {
    const index = from + i;
    return {
      index,
      sample: index < 8 ? 0 : 1,
      position: index < 8 ? index : index - 8,
      id: 100 + index,
      text: `t${index}`
    };
  });
  const layer = (own: number): TokenPageLayer => ({
    layer: own,
    experts: 3,
    topK: 2,
    score: 'softmax',
    selected: Int32Array.from(rows.flatMap(() => [0, 1])),
    weights: Float32Array.from(rows.flatMap(() => [0.75, 0.25])),
    margins: Float32Array.from(rows, ({ index }) => (index === 3 ? 0.05 : 1)),
    next: Int32Array.from(rows, () => 2),
    nearMiss: 0.1
  });
  return {
    total: 12,
    matches: 12,
    problems: [],
    from,
    rows,
    layers: [layer(0), layer(2)],
    ...more
  };
}

/** A context of views over a source that shows a trace. */
export function viewContext(source = new FakeSource()): {
  source: FakeSource;
  context: IViewContext;
  opened: string[];
} {
  source.show({ trace: TRACE, traces: [TRACE], outline: OUTLINE });
  const opened: string[] = [];
  return {
    source,
    opened,
    context: {
      source,
      selection: new Selection(),
      network: new NetworkModel(source),
      trans: testContext().trans,
      open: view => opened.push(view)
    }
  };
}
