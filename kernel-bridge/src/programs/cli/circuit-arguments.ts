import type { CircuitOptions } from '../../analyses/circuits/options';

export interface CircuitArguments extends Pick<
  CircuitOptions,
  | 'target'
  | 'position'
  | 'direction'
  | 'steps'
  | 'threshold'
  | 'parts'
  | 'measure'
  | 'seed'
> {
  prompt?: string;
  inputIds?: number[];
  corrupted?: string;
  corruptedIds?: number[];
  corruptedEmbeddings?: 'zero' | 'mean';
  /** Number of edges. */
  edges?: number;
  nodesOnly?: boolean;
  format?: 'text' | 'json' | 'dot' | 'mermaid' | 'html';
  out?: string;
  json?: boolean;
}
