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
  'f32x4.splat': 19,
  'f32x4.extract_lane': 31,
  'f32x4.eq': 65,
  'v128.and': 78,
  'i32x4.all_true': 163,
  'i32x4.shl': 171,
  'i32x4.add': 174,
  'f32x4.nearest': 106,
  'f32x4.add': 228,
  'f32x4.sub': 229,
  'f32x4.mul': 230,
  'f32x4.min': 232,
  'f32x4.max': 233,
  'i32x4.trunc_sat_f32x4_s': 248
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

  vectorAt(name: 'v128.load' | 'v128.store', offset: number): this {
    return this.vector(name, 2, ...unsigned(offset));
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
    const body = [
      ...list(this._locals.map(type => [1, TYPE[type]])),
      ...this._code,
      0x0b
    ];
    return Uint8Array.from([
      ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
      ...section(1, [
        [0x60, ...list(this._params.map(type => [TYPE[type]])), 1, TYPE.i32]
      ]),
      ...section(2, [[...text('env'), ...text('memory'), 0x02, 0x00, 0x01]]),
      ...section(3, [[0x00]]),
      ...section(7, [[...text('run'), 0x00, 0x00]]),
      ...section(10, [[...unsigned(body.length), ...body]])
    ]);
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
