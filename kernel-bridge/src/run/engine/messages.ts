/** Messages between the engine and its worker thread. */
export type TensorType =
  | 'float32'
  | 'float64'
  | 'float16'
  | 'int64'
  | 'int32'
  | 'int8'
  | 'uint8'
  | 'uint16'
  | 'int16'
  | 'uint32'
  | 'uint64'
  | 'bool'
  | 'string';

export type TensorData =
  | Float32Array
  | Float64Array
  | BigInt64Array
  | BigUint64Array
  | Int32Array
  | Uint32Array
  | Int16Array
  | Uint16Array
  | Int8Array
  | Uint8Array;

export interface TensorValue {
  type: TensorType;
  dims: number[];
  data: TensorData;
}

export interface SessionOptions {
  /** Threads within an operator. Default: onnxruntime's choice. */
  threads?: number;
  graphOptimization?: 'disabled' | 'basic' | 'extended' | 'all';
  /**
   * Runs nodes in parallel. onnxruntime then skips planning the reuse of memory, which takes time quadratic in the number of
   * nodes: a graph of 10,000 nodes loads in one second instead of twenty.
   */
  sideBySide?: boolean;
  /** Start of the name of the file that onnxruntime writes its profile to at `endProfiling`. Default: no profile. */
  profile?: string;
}

/** Tensors that stay on the worker between runs of a session, by the name of their input. */
export interface CacheUse {
  cache: number;
  /** Maps outputs of a run to inputs of the next one. */
  keep: Record<string, string>;
}

/** A second graph that reads outputs of the first, so that large ones do not leave the worker. */
export interface Measurement {
  session: number;
  /** The run's output that each input reads. */
  reads: Record<string, string>;
  feeds: Record<string, TensorValue>;
  /** Outputs to return with the run's own. */
  fetches: string[];
}

export interface RunOptions {
  /** Provides inputs that are not fed, and keeps outputs instead of returning them. */
  cache?: CacheUse;
  /**
   * For outputs of shape [batch, tokens, width]: the token of each batch entry to return, as [batch, width]. If only the
   * last logits are needed, those of the whole prompt do not leave the worker.
   */
  rows?: Record<string, number[]>;
  measure?: Measurement;
}

export type Request =
  /** `bytes` is a graph whose external data is in `folder`; `path` is an unmodified file. */
  | {
      type: 'create';
      id: number;
      session: number;
      bytes?: Uint8Array;
      path?: string;
      folder: string;
      options: SessionOptions;
    }
  | ({
      type: 'run';
      id: number;
      session: number;
      feeds: Record<string, TensorValue>;
      fetches: string[];
    } & RunOptions)
  | { type: 'forget'; id: number; session: number; cache: number }
  | { type: 'end-profiling'; id: number; session: number }
  | { type: 'release'; id: number; session: number };

export type Response =
  | { id: number; outputs?: Record<string, TensorValue>; milliseconds: number }
  | { id: number; error: string };
