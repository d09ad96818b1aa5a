import type { CircuitOptions } from '../../analyses/circuits/options';
import type { TaskCircuitOptions } from '../../analyses/circuits/task/options';

export interface CircuitArguments
  extends
    Pick<
      CircuitOptions,
      | 'target'
      | 'position'
      | 'direction'
      | 'steps'
      | 'threshold'
      | 'parts'
      | 'measure'
      | 'seed'
    >,
    Pick<TaskCircuitOptions, 'resamples' | 'directions' | 'directionLayer'> {
  /** File of prompt pairs. */
  pairs?: string;
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
