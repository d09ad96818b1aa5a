/** Files of named arrays: .npy, .npz and safetensors, distinguished by their first bytes. */
import {
  closeSync,
  fstatSync,
  mkdtempSync,
  openSync,
  readSync,
  rmSync
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ProtocolError } from '../../base/protocol/error';
import { count, list, object } from '../../base/protocol/checks';
import { ArrayFile, type ElementName } from './array-file';
import { refuse } from './importer';
import { NPY_MAGIC, openNpy } from './npy';
import { unpackZip } from './zip';

const ZIP_MAGIC = 'PK\x03\x04';
/** The limit of the safetensors reader. */
const MAX_HEADER = 100_000_000;
/** Type names of safetensors (github.com/huggingface/safetensors, README, "Format"). */
const SAFETENSORS: Record<string, ElementName> = {
  BOOL: 'bool',
  U8: 'u1',
  I8: 'i1',
  U16: 'u2',
  I16: 'i2',
  U32: 'u4',
  I32: 'i4',
  U64: 'u8',
  I64: 'i8',
  F16: 'f2',
  BF16: 'bf16',
  F32: 'f4',
  F64: 'f8'
};

export class ArrayStore {
  readonly arrays: ArrayFile[] = [];
  private readonly _descriptors: number[] = [];
  private _scratch?: string;

  private constructor(readonly path: string) {}

  /** The caller closes it. @throws MoEDebuggerError 'input' for another format or a damaged file */
  static async open(path: string): Promise<ArrayStore> {
    const store = new ArrayStore(path);
    try {
      await store._open();
      return store;
    } catch (error) {
      store.close();
      throw error;
    }
  }

  close(): void {
    this._descriptors.splice(0).forEach(descriptor => closeSync(descriptor));
    if (this._scratch) {
      rmSync(this._scratch, { recursive: true, force: true });
    }
  }

  private async _open(): Promise<void> {
    const descriptor = this._descriptor(this.path);
    const length = fstatSync(descriptor).size;
    const magic = Buffer.alloc(8);
    readSync(descriptor, magic, 0, 8, 0);
    const text = magic.toString('latin1');
    if (text.startsWith(NPY_MAGIC)) {
      this.arrays.push(
        openNpy(this.path, '', descriptor, { offset: 0, length })
      );
    } else if (text.startsWith(ZIP_MAGIC)) {
      await this._openNpz(descriptor);
    } else {
      this._openSafetensors(descriptor, magic, length);
    }
  }

  private async _openNpz(descriptor: number): Promise<void> {
    this._scratch = mkdtempSync(join(tmpdir(), 'moe-debugger-'));
    for await (const entry of unpackZip(this.path, this._scratch)) {
      const { name, path, offset, size } = entry;
      this.arrays.push(
        openNpy(
          this.path,
          name.replace(/\.npy$/, ''),
          path === this.path ? descriptor : this._descriptor(path),
          { offset, length: size }
        )
      );
    }
  }

  private _openSafetensors(
    descriptor: number,
    magic: Buffer,
    total: number
  ): void {
    const length = Number(magic.readBigUInt64LE(0));
    if (total < 8 || length > MAX_HEADER || 8 + length > total) {
      refuse(
        'the file is not .npy, .npz or safetensors, or it is truncated',
        this.path,
        '',
        'give one of these formats'
      );
    }
    const header = Buffer.alloc(length);
    readSync(descriptor, header, 0, length, 8);
    try {
      const entries = object(JSON.parse(header.toString('utf8')), 'header');
      for (const [name, entry] of Object.entries(entries)) {
        if (name !== '__metadata__') {
          this.arrays.push(
            this._tensor(name, entry, descriptor, 8 + length, total)
          );
        }
      }
    } catch (error) {
      if (error instanceof ProtocolError || error instanceof SyntaxError) {
        refuse(
          `the safetensors header is invalid: ${error.message.slice(0, 120)}`,
          this.path,
          '',
          'save it again'
        );
      }
      throw error;
    }
  }

  private _tensor(
    name: string,
    value: unknown,
    descriptor: number,
    data: number,
    total: number
  ): ArrayFile {
    const entry = object(value, name);
    const type = SAFETENSORS[String(entry.dtype)];
    if (!type) {
      throw new ProtocolError(
        `unsupported type ${String(entry.dtype).slice(0, 20)} of ${name}`
      );
    }
    const shape = list(entry.shape, `${name}.shape`).map((n, i) =>
      count(n, `${name}.shape[${i}]`)
    );
    const [from, to] = list(entry.data_offsets, `${name}.data_offsets`);
    if (
      !Number.isSafeInteger(from) ||
      !Number.isSafeInteger(to) ||
      (from as number) < 0 ||
      (to as number) < (from as number)
    ) {
      throw new ProtocolError(`invalid ${name}.data_offsets`);
    }
    const end = Math.min(data + (to as number), total);
    return new ArrayFile({
      file: this.path,
      name,
      descriptor,
      offset: data + (from as number),
      available: Math.max(end - data - (from as number), 0),
      shape,
      type
    });
  }

  private _descriptor(path: string): number {
    const descriptor = openSync(path, 'r');
    this._descriptors.push(descriptor);
    return descriptor;
  }
}
