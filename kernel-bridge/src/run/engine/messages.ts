/** Between the engine and its worker thread. */
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
  /** Threads within an operator; onnxruntime's own choice when absent. */
  threads?: number;
  graphOptimization?: 'disabled' | 'basic' | 'extended' | 'all';
  /**
   * Runs nodes side by side. onnxruntime then plans no reuse of memory between them, which takes it a time that grows
   * with the square of their number: of 10,000 nodes one second to load instead of twenty.
   */
  sideBySide?: boolean;
}

/** Tensors that stay on the worker between runs of a session, by the name of the input that reads them. */
export interface CacheUse {
  cache: number;
  /** Which output of a run becomes which input of the next one. */
  keep: Record<string, string>;
}

/** A second graph that reads outputs of the first, so that large ones need not leave the worker. */
export interface Measurement {
  session: number;
  /** Which output of the run each of its inputs reads. */
  reads: Record<string, string>;
  feeds: Record<string, TensorValue>;
  /** Returned beside the run's own outputs. */
  fetches: string[];
}

export interface RunOptions {
  /** Inputs that are not fed come from here, and outputs that it keeps stay there instead of being returned. */
  cache?: CacheUse;
  /**
   * For outputs of shape [batch, tokens, width]: the one token of each batch entry to return, as [batch, width].
   * A prompt's logits for its whole vocabulary need not leave the worker when only the last are read.
   */
  rows?: Record<string, number[]>;
  measure?: Measurement;
}

export type Request =
  /** `bytes` is a graph whose external data lies in `folder`; `path` is an untouched file. */
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
  | { type: 'release'; id: number; session: number };

export type Response =
  | { id: number; outputs?: Record<string, TensorValue>; milliseconds: number }
  | { id: number; error: string };
