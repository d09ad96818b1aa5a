/**
 * Expert-parallel load balancing: how many replicas of each expert, on which device, for given loads. The algorithm of
 * DeepSeek's EPLB (github.com/deepseek-ai/EPLB), for one layer.
 */
import { MoEDebuggerError } from '../base/errors';

export interface ReplicaOptions {
  /** Physical experts, a multiple of `devices`. */
  replicas: number;
  /** Equal groups of experts that group-limited routing keeps together; placed on one node each. */
  groups: number;
  nodes: number;
  /** A multiple of `nodes`. */
  devices: number;
}

export interface ReplicaPlan {
  /** [replicas]: the expert that each physical expert is; device d holds the d-th equal part. */
  experts: number[];
  /** [E]: replicas of each expert */
  count: number[];
  /** [devices]: load, when an expert's replicas share its tokens evenly */
  deviceLoad: number[];
  /** [devices]: the same without replicas, experts in their order; empty when they do not divide evenly */
  deviceLoadBefore: number[];
}

const FEW_DEVICES = 8;

/**
 * A layout to compare loads by where no other is known: up to 8 devices of equally many experts, each with room for one
 * replica more.
 */
export function exampleDevices(experts: number): ReplicaOptions {
  let devices = experts;
  for (let d = Math.min(FEW_DEVICES, experts); d > 1; d--) {
    if (experts % d === 0) {
      devices = d;
      break;
    }
  }
  return { replicas: experts + devices, groups: 1, nodes: 1, devices };
}

/**
 * Groups are packed onto nodes, experts replicated within a node where the load of a replica is largest, replicas packed
 * onto the node's devices. When groups do not divide evenly among nodes, all experts are one group on one node.
 *
 * @param loads [E], for example selections
 * @throws MoEDebuggerError 'input' when the numbers do not divide each other
 */
export function planReplicas(
  loads: ArrayLike<number>,
  options: ReplicaOptions
): ReplicaPlan {
  const experts = loads.length;
  const { replicas, devices } = options;
  const global = options.groups % options.nodes !== 0;
  const groups = global ? 1 : options.groups;
  const nodes = global ? 1 : options.nodes;
  check(experts, replicas, groups, nodes, devices);
  const groupSize = experts / groups;
  const perNode = replicas / nodes;
  const perDevice = replicas / devices;

  const groupLoads = Array.from({ length: groups }, (_, g) =>
    total(loads, g * groupSize, (g + 1) * groupSize)
  );
  const packedGroups = balancedPacking(groupLoads, nodes);
  const plan: number[] = [];
  const count = new Array<number>(experts).fill(0);
  const deviceLoad: number[] = [];
  for (const members of packedGroups) {
    const own = members.flatMap(g =>
      Array.from({ length: groupSize }, (_, i) => g * groupSize + i)
    );
    const ownLoads = own.map(e => loads[e]);
    const physical = replicate(ownLoads, perNode);
    physical.forEach(local => count[own[local]]++);
    const replicaLoads = physical.map(
      local => ownLoads[local] / count[own[local]]
    );
    for (const pack of balancedPacking(replicaLoads, devices / nodes)) {
      plan.push(...pack.map(i => own[physical[i]]));
      deviceLoad.push(pack.reduce((load, i) => load + replicaLoads[i], 0));
    }
  }
  const before = experts / devices;
  return {
    experts: plan,
    count,
    deviceLoad,
    deviceLoadBefore:
      Number.isInteger(before) && perDevice >= 1
        ? deviceLoad.map((_, d) => total(loads, d * before, (d + 1) * before))
        : []
  };
}

/**
 * Packs n items into packs of n / packs each, the heaviest first into the lightest pack that has room.
 * @returns items of each pack, in the order they were put there
 */
export function balancedPacking(
  loads: readonly number[],
  packs: number
): number[][] {
  const room = loads.length / packs;
  if (room === 1) {
    return loads.map((_, item) => [item]);
  }
  const packed = Array.from({ length: packs }, (): number[] => []);
  const filled = new Array<number>(packs).fill(0);
  const order = loads
    .map((_, item) => item)
    .sort((a, b) => loads[b] - loads[a] || a - b);
  for (const item of order) {
    let lightest = -1;
    for (let pack = 0; pack < packs; pack++) {
      if (
        packed[pack].length < room &&
        (lightest < 0 || filled[pack] < filled[lightest])
      ) {
        lightest = pack;
      }
    }
    packed[lightest].push(item);
    filled[lightest] += loads[item];
  }
  return packed;
}

/** Each further replica goes to the expert whose replicas have the largest load. @returns [physical] the expert of each */
export function replicate(
  loads: readonly number[],
  physical: number
): number[] {
  const count = loads.map(() => 1);
  const experts = loads.map((_, expert) => expert);
  while (experts.length < physical) {
    let heaviest = 0;
    for (let e = 1; e < loads.length; e++) {
      if (loads[e] / count[e] > loads[heaviest] / count[heaviest]) {
        heaviest = e;
      }
    }
    experts.push(heaviest);
    count[heaviest]++;
  }
  return experts;
}

function check(
  experts: number,
  replicas: number,
  groups: number,
  nodes: number,
  devices: number
): void {
  const numbers = [replicas, groups, nodes, devices];
  if (
    !numbers.every(n => Number.isInteger(n) && n > 0) ||
    experts === 0 ||
    replicas < experts ||
    experts % groups !== 0 ||
    devices % nodes !== 0 ||
    replicas % devices !== 0
  ) {
    throw new MoEDebuggerError(
      'input',
      `${replicas} replicas of ${experts} experts in ${groups} groups on ${devices} devices of ${nodes} nodes do not divide evenly`,
      {
        hint: 'replicas: a multiple of devices and at least the experts; experts: a multiple of groups; devices: of nodes'
      }
    );
  }
}

function total(loads: ArrayLike<number>, from: number, to: number): number {
  let load = 0;
  for (let e = from; e < to; e++) {
    load += loads[e];
  }
  return load;
}
