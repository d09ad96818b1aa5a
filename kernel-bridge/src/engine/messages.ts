/** Between the engine and its worker thread. */
export type TensorType = 'float32' | 'float64' | 'float16' | 'int64' | 'int32' | 'int8' | 'uint8' | 'uint16' | 'int16' | 'uint32' | 'uint64' | 'bool' | 'string';

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
}

export type Request =
  /** `bytes` is a graph whose external data lies in `folder`; `path` is an untouched file. */
  | { type: 'create'; id: number; session: number; bytes?: Uint8Array; path?: string; folder: string; options: SessionOptions }
  | { type: 'run'; id: number; session: number; feeds: Record<string, TensorValue>; fetches: string[] }
  | { type: 'release'; id: number; session: number };

export type Response =
  | { id: number; outputs?: Record<string, TensorValue>; milliseconds: number }
  | { id: number; error: string };
