/**
 * As much of a WebAssembly assembler as counting needs: one function over one imported memory. It is written for a given
 * number of experts and k, with the loops over k unrolled, which no compiler of JavaScript does.
 */

export type ValueType = 'i32' | 'f32' | 'f64' | 'v128';

const TYPE: Record<ValueType, number> = {
  i32: 0x7f,
  f32: 0x7d,
  f64: 0x7c,
  v128: 0x7b
};

/** Opcodes by their names in the specification; those of vectors follow a prefix. */
const OP = {
  return: 0x0f,
  select: 0x1b,
  'i32.load': 0x28,
  'f32.load': 0x2a,
  'f64.load': 0x2b,
  'i32.store': 0x36,
  'f32.store': 0x38,
  'f64.store': 0x39,
  'i32.eqz': 0x45,
  'i32.eq': 0x46,
  'i32.ne': 0x47,
  'i32.lt_u': 0x49,
  'i32.ge_u': 0x4f,
  'i32.gt_s': 0x4a,
  'f32.lt': 0x5d,
  'f32.gt': 0x5e,
  'f32.le': 0x5f,
  'i32.add': 0x6a,
  'i32.sub': 0x6b,
  'i32.mul': 0x6c,
  'i32.and': 0x71,
  'i32.or': 0x72,
  'i32.shl': 0x74,
  'f32.add': 0x92,
  'f32.sub': 0x93,
  'f32.div': 0x95,
  'f32.min': 0x96,
  'f32.max': 0x97,
  'f64.add': 0xa0,
  'f64.promote_f32': 0xbb
} as const;

const VECTOR_OP = {
  'v128.load': 0,
  'v128.store': 11,
  'v128.const': 12,
  'i8x16.shuffle': 13,
  'i32x4.splat': 17,
  'f32x4.splat': 19,
  'i32x4.lt_s': 57,
  'f32x4.eq': 65,
  'f32x4.lt': 67,
  'f32x4.gt': 68,
  'v128.and': 78,
  'v128.bitselect': 82,
  'v128.any_true': 83,
  'v128.load32_lane': 86,
  'v128.load32_splat': 9,
  'f64x2.promote_low_f32x4': 95,
  'i32x4.all_true': 163,
  'i32x4.shl': 171,
  'i32x4.shr_s': 172,
  'i32x4.add': 174,
  'i32x4.sub': 177,
  'f32x4.add': 228,
  'f32x4.sub': 229,
  'f32x4.mul': 230,
  'f32x4.div': 231,
  'f32x4.pmin': 234,
  'f32x4.pmax': 235,
  'f64x2.add': 240,
  'f64x2.mul': 242,
  'f32x4.convert_i32x4_s': 250
} as const;

type Op = keyof typeof OP;
type VectorOp = keyof typeof VECTOR_OP;

export class FunctionBuilder {
  private readonly _code: number[] = [];
  private readonly _locals: ValueType[] = [];

  constructor(private readonly _params: readonly ValueType[]) {}

  /** A new local variable, zero at the start. */
  local(type: ValueType): number {
    this._locals.push(type);
    return this._params.length + this._locals.length - 1;
  }

  get(...locals: number[]): this {
    return this._each(0x20, locals);
  }

  set(local: number): this {
    return this._each(0x21, [local]);
  }

  tee(local: number): this {
    return this._each(0x22, [local]);
  }

  i32(value: number): this {
    this._code.push(0x41, ...signed(value));
    return this;
  }

  f32(value: number): this {
    const bytes = new Uint8Array(Float32Array.of(value).buffer);
    this._code.push(0x43, ...bytes);
    return this;
  }

  op(...names: Op[]): this {
    this._code.push(...names.map(name => OP[name]));
    return this;
  }

  /** Loads and stores at an address on the stack plus an offset. */
  at(name: Op, offset: number): this {
    this._code.push(OP[name], name.startsWith('f64') ? 3 : 2);
    this._code.push(...unsigned(offset));
    return this;
  }

  vector(name: VectorOp, ...immediate: number[]): this {
    this._code.push(0xfd, ...unsigned(VECTOR_OP[name]), ...immediate);
    return this;
  }

  vectorAt(
    name: 'v128.load' | 'v128.load32_splat' | 'v128.store',
    offset: number
  ): this {
    return this.vector(name, 2, ...unsigned(offset));
  }

  /** Loads one lane of the vector on the stack, above an address. */
  loadLane(lane: number, offset: number): this {
    return this.vector('v128.load32_lane', 2, ...unsigned(offset), lane);
  }

  /** The four lanes of two vectors by number, 0 to 3 of the lower one, 4 to 7 of the upper. */
  shuffle(...lanes: number[]): this {
    const bytes = lanes.flatMap(lane => [0, 1, 2, 3].map(i => 4 * lane + i));
    return this.vector('i8x16.shuffle', ...bytes);
  }

  /** Runs `body` while the condition that it leaves on the stack is not zero. */
  loop(body: () => void): this {
    this._code.push(0x03, 0x40);
    body();
    this._code.push(0x0d, 0x00, 0x0b);
    return this;
  }

  /** Runs `body` when the value on the stack is not zero. */
  if(body: () => void): this {
    this._code.push(0x04, 0x40);
    body();
    this._code.push(0x0b);
    return this;
  }

  /** A module that imports `env.memory` and exports `run`, which returns an i32. */
  module(): Uint8Array<ArrayBuffer> {
    const locals = list(this._locals.map(type => [1, TYPE[type]]));
    const length = locals.length + this._code.length + 1;
    const head = [
      ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
      ...section(1, [
        [0x60, ...list(this._params.map(type => [TYPE[type]])), 1, TYPE.i32]
      ]),
      ...section(2, [[...text('env'), ...text('memory'), 0x02, 0x00, 0x01]]),
      ...section(3, [[0x00]]),
      ...section(7, [[...text('run'), 0x00, 0x00]]),
      // The section of code, of one function, which may be long.
      ...[10, ...unsigned(1 + unsigned(length).length + length)],
      ...[1, ...unsigned(length), ...locals]
    ];
    const module = new Uint8Array(head.length + this._code.length + 1);
    module.set(head);
    module.set(this._code, head.length);
    module[module.length - 1] = 0x0b;
    return module;
  }

  private _each(opcode: number, locals: readonly number[]): this {
    for (const local of locals) {
      this._code.push(opcode, ...unsigned(local));
    }
    return this;
  }
}

/** LEB128. */
function unsigned(value: number): number[] {
  const bytes: number[] = [];
  let rest = value >>> 0;
  do {
    const more = rest > 0x7f;
    bytes.push((rest & 0x7f) | (more ? 0x80 : 0));
    rest >>>= 7;
  } while (rest > 0);
  return bytes;
}

function signed(value: number): number[] {
  const bytes: number[] = [];
  let rest = value | 0;
  for (;;) {
    const byte = rest & 0x7f;
    rest >>= 7;
    const done = (rest === 0 && byte < 0x40) || (rest === -1 && byte >= 0x40);
    bytes.push(done ? byte : byte | 0x80);
    if (done) {
      return bytes;
    }
  }
}

function list(items: readonly number[][]): number[] {
  return [...unsigned(items.length), ...items.flat()];
}

function section(id: number, items: readonly number[][]): number[] {
  const content = list(items);
  return [id, ...unsigned(content.length), ...content];
}

function text(value: string): number[] {
  return list([...Buffer.from(value)].map(byte => [byte]));
}
