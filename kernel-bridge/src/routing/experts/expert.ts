/** An expert of a layer: its stored weights, and the nodes that compute it. */

export type WeightRole = 'gate' | 'up' | 'gate_up' | 'down' | 'bias';

export interface ExpertWeight {
  /** Name of the initializer. */
  tensor: string;
  role?: WeightRole;
  /** Index along axis 0 of a tensor that stacks all experts; absent when the tensor is this expert's alone. */
  slice?: number;
  quantized: boolean;
  /** Names of the initializers with the scales and zero points of a quantised weight. */
  scales?: string;
  zeroPoint?: string;
}

export interface Expert {
  expert: number;
  weights: ExpertWeight[];
  /** Indices of the nodes that compute this expert; nodes that compute all experts at once belong to each. */
  nodes: number[];
}
