import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readConnectionFile } from './connection';

const FILE = {
  transport: 'tcp',
  ip: '127.0.0.1',
  key: 'secret',
  signature_scheme: 'hmac-sha256',
  shell_port: 1,
  iopub_port: 2,
  stdin_port: 3,
  control_port: 4,
  hb_port: 5
};

function written(content: unknown): string {
  const path = join(mkdtempSync(join(tmpdir(), 'connection-')), 'kernel.json');
  writeFileSync(path, JSON.stringify(content));
  return path;
}

describe('readConnectionFile', () => {
  it('reads the address of each channel', () => {
    const { addresses, key } = readConnectionFile(written(FILE));
    expect(key).toBe('secret');
    expect(addresses.hb).toBe('tcp://127.0.0.1:5');
  });

  it('supports ipc', () => {
    const file = { ...FILE, transport: 'ipc', ip: '/tmp/kernel' };
    expect(readConnectionFile(written(file)).addresses.shell).toBe(
      'ipc:///tmp/kernel-1'
    );
  });

  it('names what is missing', () => {
    expect(() =>
      readConnectionFile(written({ ...FILE, hb_port: undefined }))
    ).toThrow('has no hb_port');
    expect(() => readConnectionFile(written({ ...FILE, key: 1 }))).toThrow(
      'has no key'
    );
    expect(() => readConnectionFile('/no/such/file')).toThrow(
      'cannot read the connection file'
    );
  });
});
