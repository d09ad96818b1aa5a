/** Where each expert of a layer lies: its weights in the file, and the nodes that compute with them. */

export type WeightRole = 'gate' | 'up' | 'gate_up' | 'down' | 'bias';

export interface ExpertWeight {
  /** Name of the initializer. */
  tensor: string;
  role?: WeightRole;
  /** The expert's index along axis 0 of a tensor that holds all experts'; absent when the whole tensor is the expert's. */
  slice?: number;
  quantized: boolean;
  /** Names of the initializers that a quantised weight is scaled and shifted by. */
  scales?: string;
  zeroPoint?: string;
}

export interface Expert {
  expert: number;
  weights: ExpertWeight[];
  /** Nodes that compute this expert, by index; those of a layer that computes all experts at once belong to each. */
  nodes: number[];
}
