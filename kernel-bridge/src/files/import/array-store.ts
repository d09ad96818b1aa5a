/** Files of named arrays: .npy, .npz and safetensors, gzipped or not, distinguished by their first bytes. */
import {
  closeSync,
  createReadStream,
  createWriteStream,
  fstatSync,
  openSync,
  readSync,
  rmSync
} from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { constants, createGunzip, gunzipSync } from 'node:zlib';
import { MoEDebuggerError } from '../../base/errors';
import { ProtocolError } from '../../base/protocol/error';
import { count, list, object } from '../../base/protocol/checks';
import { scratchFolder } from '../../base/scratch-folder';
import { ArrayFile, type ElementName } from './array-file';
import { refuse } from './importer';
import { NPY_MAGIC, openNpy } from './npy';
import { unpackZip } from './zip';

const ZIP_MAGIC = 'PK\x03\x04';
const GZIP_MAGIC = '\x1f\x8b';
/** Bytes that tell a file's format, gzipped or not. */
const START = 4096;
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
  /** Names of arrays that hold no numbers: texts, objects, dates. */
  readonly leftOut: string[] = [];
  private readonly _descriptors: number[] = [];
  private _scratch?: string;

  private constructor(
    readonly path: string,
    private readonly _unnamed: string
  ) {}

  /**
   * The caller closes it.
   * @param unnamed name of an array without a name, as .npy has. Default none.
   * @throws MoEDebuggerError 'input' for another format or a damaged file
   */
  static async open(path: string, unnamed: string = ''): Promise<ArrayStore> {
    const store = new ArrayStore(path, unnamed);
    try {
      await store._open(path);
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
      this._scratch = undefined;
    }
  }

  /** @param file where the bytes are: the user's file, or its unpacked copy */
  private async _open(file: string): Promise<void> {
    const descriptor = this._descriptor(file);
    const length = fstatSync(descriptor).size;
    const magic = Buffer.alloc(8);
    readSync(descriptor, magic, 0, 8, 0);
    const text = magic.toString('latin1');
    if (text.startsWith(NPY_MAGIC)) {
      this._add(
        this._unnamed,
        openNpy(this.path, this._unnamed, descriptor, { offset: 0, length })
      );
    } else if (text.startsWith(ZIP_MAGIC)) {
      await this._openNpz(descriptor, file);
    } else if (text.startsWith(GZIP_MAGIC) && file === this.path) {
      await this._open(await this._unpack());
    } else {
      this._openSafetensors(descriptor, magic, length);
    }
    if (this.arrays.length === 0 && this.leftOut.length > 0) {
      refuse(
        'the array has an unsupported type: it holds text or objects',
        this.path,
        this.leftOut.join(', ').slice(0, 80),
        'save numbers with numpy.save or numpy.savez'
      );
    }
  }

  private _add(name: string, array: ArrayFile | undefined): void {
    if (array) {
      this.arrays.push(array);
    } else {
      this.leftOut.push(name || 'the array');
    }
  }

  /** Arrays are read at any place, so a gzipped file is unpacked to the disk. */
  private async _unpack(): Promise<string> {
    const unpacked = join(this._folder(), 'unpacked');
    try {
      await pipeline(
        createReadStream(this.path),
        createGunzip(),
        createWriteStream(unpacked)
      );
    } catch (error) {
      const { message, syscall } = error as NodeJS.ErrnoException;
      throw new MoEDebuggerError(
        syscall === undefined ? 'input' : 'environment',
        `the file cannot be unpacked: ${message}`,
        {
          where: this.path,
          hint: 'it may be truncated: download it again',
          cause: error
        }
      );
    }
    return unpacked;
  }

  private async _openNpz(descriptor: number, file: string): Promise<void> {
    const entries = unpackZip(file, this._folder(), this.path);
    for await (const { name, path, offset, size } of entries) {
      const array = name.replace(/\.npy$/, '');
      this._add(
        array,
        openNpy(
          this.path,
          array,
          path === file ? descriptor : this._descriptor(path),
          { offset, length: size }
        )
      );
    }
  }

  private _folder(): string {
    return (this._scratch ??= scratchFolder());
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
      source: descriptor,
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

/** Whether a file is arrays rather than text, by its first bytes, those of a gzipped file unpacked. */
export function holdsArrays(path: string): boolean {
  if (/\.(np[yz]|safetensors)(\.gz)?$/i.test(path)) {
    return true;
  }
  const file = openSync(path, 'r');
  try {
    const start = Buffer.alloc(START);
    const length = readSync(file, start, 0, START, 0);
    const bytes = start.subarray(0, length);
    const text = bytes.toString('latin1').startsWith(GZIP_MAGIC)
      ? unpackedStart(bytes)
      : bytes;
    // The length of a safetensors header is below 2^32, so its eight bytes end with zeros, which no text has.
    return (
      text.toString('latin1').startsWith(NPY_MAGIC) ||
      text.toString('latin1').startsWith(ZIP_MAGIC) ||
      (text.length >= 8 && text.readUInt32LE(4) === 0)
    );
  } finally {
    closeSync(file);
  }
}

function unpackedStart(bytes: Buffer): Buffer {
  try {
    return gunzipSync(bytes, { finishFlush: constants.Z_SYNC_FLUSH });
  } catch {
    // Whoever reads the whole reports the damage.
    return Buffer.alloc(0);
  }
}
