/** A balance plan as JSON: `moe-debugger/balance@1`. */
import type { RouterPlace } from '../../base/protocol';
import {
  capacityCurve,
  exampleDevices,
  jainIndex,
  maxViolation,
  planReplicas,
  smallestFactor,
  type CapacityPoint,
  type ReplicaPlan
} from '../../measures';
import { sum } from '../../measures/vectors';
import type { PlanEffect } from '../held-out/measure-effect';
import type { BiasPlace } from './fit-layer';

export interface BalanceDocument {
  schema: 'moe-debugger/balance@1';
  /** Null: of a trace that names none. */
  model: string | null;
  /** 'measured': the model ran with the biases. 'predicted': the load follows from recorded logits; nothing was run. */
  load: 'measured' | 'predicted';
  target: number;
  /** What the biases were fitted to, and what they were tried on. */
  fitted: { prompts: number; tokens: number };
  heldOut: { prompts: number; tokens: number };
  layers: BalancedLayer[];
  /** On held-out prompts; null where nothing was run. */
  effect: PlanEffect | null;
  warnings: string[];
}

export interface BalancedLayer extends RouterPlace {
  experts: number;
  topK: number;
  /** [E]; null where the layer gets none. */
  bias: number[] | null;
  /** Null where the layer gets no bias. */
  place: BiasPlace | null;
  /** Why the layer gets no bias, or why not to its selection alone. */
  note: string | null;
  /** Of the prompts that were fitted, without biases; null: no selection. */
  fittedJain: number | null;
  /** On held-out text, without and with the biases. */
  before: LoadSummary;
  after: LoadSummary;
  /** Loads of an example layout on held-out text: experts in order, with replicas (EPLB), and in order with biases. */
  devices: {
    before: number[];
    replicated: number[];
    biased: number[];
    plan: ReplicaPlan;
  };
}

export interface LoadSummary {
  /** [E], selections. */
  counts: number[];
  /** Null: no selection. */
  jain: number | null;
  /** The busiest expert's load over the mean, minus 1. */
  maxVio: number | null;
  /** What capacity factors drop, each prompt being a batch. */
  capacity: CapacityPoint[];
  /** The smallest factor that drops less than 1 % of slots. */
  capacityFactor: number | null;
}

const FEW_DROPPED = 0.01;

/** @param prompts [prompts][E], selections */
export function summarizeLoad(
  prompts: readonly Float64Array[],
  experts: number,
  topK: number
): LoadSummary {
  const counts = new Float64Array(experts);
  prompts.forEach(own => own.forEach((count, e) => (counts[e] += count)));
  const known = sum(counts) > 0;
  const capacity = capacityCurve(prompts, topK);
  return {
    counts: [...counts],
    jain: known ? jainIndex(counts) : null,
    maxVio: known ? maxViolation(counts) : null,
    capacity,
    capacityFactor: known ? smallestFactor(capacity, FEW_DROPPED) : null
  };
}

/** Loads of devices before and after. */
export function deviceLoads(
  before: readonly number[],
  after: readonly number[]
): BalancedLayer['devices'] {
  const layout = exampleDevices(before.length);
  const plan = planReplicas(before, layout);
  return {
    before: plan.deviceLoadBefore,
    replicated: plan.deviceLoad,
    biased: planReplicas(after, layout).deviceLoadBefore,
    plan
  };
}
