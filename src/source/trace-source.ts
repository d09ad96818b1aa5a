import type { ISignal } from '@lumino/signaling';
import type {
  ExpertElement,
  FindingsState,
  ModelElement,
  ModelSummary,
  ProfileDocument,
  TokenPage,
  TokenQuestion,
  TraceOutline,
  TraceSummary
} from 'moe-debugger/protocol';

/**
 * Traces that views read: those of a notebook's kernel, of a file or of a service. One trace is selected; what is asked is
 * asked about it.
 */
export interface ITraceSource {
  /** Where the traces are: the name of a notebook or of a file. */
  readonly name: string;
  /** Emitted when anything below changes. */
  readonly changed: ISignal<ITraceSource, void>;
  readonly models: readonly ModelSummary[];
  /** Newest first. */
  readonly traces: readonly TraceSummary[];
  readonly trace: TraceSummary | undefined;
  /** Of the selected trace; undefined until it is read. Kept when the source ends. */
  readonly outline: TraceOutline | undefined;
  /** Of the selected trace; undefined until `diagnose` is answered. */
  readonly findings: FindingsState | undefined;
  /** Whether the outline or the findings are being read. */
  readonly isReading: boolean;
  /** Why the outline or the findings could not be read. */
  readonly error: string | undefined;
  /** Whether questions are answered: the kernel runs, and is of this version. */
  readonly isLive: boolean;
  /** Whether what is shown is of a process that has ended. */
  readonly isStale: boolean;
  /** Changes when the tokens of the selected trace do: what was asked before is out of date. */
  readonly revision: number;
  select(traceId: string): void;
  diagnose(): void;
  /**
   * A page of the tokens of the selected trace.
   * @throws Error with a text for the user
   */
  tokens(question: TokenQuestion): Promise<TokenPage>;
  /** The model of the selected trace, or the one that was loaded last; undefined where none can be asked about. */
  readonly model: ModelSummary | undefined;
  /**
   * What a model is made of.
   * @throws Error with a text for the user
   */
  elements(modelId: string): Promise<ModelElement>;
  /**
   * The stored weights of an expert.
   * @param layerIndex index into the routers
   * @throws Error with a text for the user
   */
  expert(
    modelId: string,
    layerIndex: number,
    expert: number
  ): Promise<ExpertElement>;
  /**
   * Runs a sample of the selected trace anew, with a profiler. Aborting the signal ends it.
   * @throws Error with a text for the user
   */
  profile(sample: number, signal: AbortSignal): Promise<ProfileDocument>;
}
