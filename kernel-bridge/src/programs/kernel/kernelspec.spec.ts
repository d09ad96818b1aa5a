import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  writeFileSync
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  installKernelspec,
  listKernelspecs,
  removeKernelspec
} from '../../../lib/programs/kernel/kernelspec';

describe('kernelspec', () => {
  let folder: string;
  const saved = { ...process.env };

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'kernelspec-'));
  });
  afterEach(() => {
    process.env = { ...saved };
  });

  it('starts this package by absolute paths', () => {
    const installed = installKernelspec({ dataDir: folder });
    expect(installed.folder).toBe(join(folder, 'kernels', 'tslab-moe'));
    expect(installed).toMatchObject({ works: true, current: true });
    expect(
      JSON.parse(readFileSync(join(installed.folder, 'kernel.json'), 'utf8'))
    ).toEqual({
      argv: [
        process.execPath,
        join(__dirname, '../../../lib/programs/kernel/main.js'),
        '--config-path',
        '{connection_file}'
      ],
      display_name: 'TypeScript (MoE Debugger)',
      language: 'typescript',
      interrupt_mode: 'message',
      metadata: { debugger: false }
    });
    expect(
      readFileSync(join(installed.folder, 'logo-svg.svg'), 'utf8')
    ).toContain('<svg');
  });

  it('replaces an existing one, and leaves nothing else behind', () => {
    const { folder: spec } = installKernelspec({ dataDir: folder });
    writeFileSync(join(spec, 'kernel.json'), 'truncated');
    writeFileSync(join(spec, 'stray'), '');
    expect(listKernelspecs({ dataDir: folder })).toEqual([]);
    installKernelspec({ dataDir: folder });
    expect(listKernelspecs({ dataDir: folder })).toHaveLength(1);
    expect(readdirSync(spec).sort()).toEqual(['kernel.json', 'logo-svg.svg']);
    expect(readdirSync(folder)).toEqual(['kernels']);
  });

  it('is installed to a prefix, the active environment or the user', () => {
    const place = (root: string): string =>
      join(root, 'share', 'jupyter', 'kernels', 'tslab-moe');
    expect(installKernelspec({ prefix: folder }).folder).toBe(place(folder));
    process.env.VIRTUAL_ENV = join(folder, 'venv');
    expect(installKernelspec({ sysPrefix: true }).folder).toBe(
      place(join(folder, 'venv'))
    );
    process.env.JUPYTER_DATA_DIR = join(folder, 'data');
    expect(installKernelspec().folder).toBe(
      join(folder, 'data', 'kernels', 'tslab-moe')
    );
    expect(() =>
      installKernelspec({ prefix: folder, sysPrefix: true })
    ).toThrow('one place');
  });

  it("lists in Jupyter's search order", () => {
    process.env.JUPYTER_PATH = join(folder, 'first');
    process.env.JUPYTER_DATA_DIR = join(folder, 'second');
    delete process.env.VIRTUAL_ENV;
    delete process.env.CONDA_PREFIX;
    installKernelspec();
    installKernelspec({ dataDir: join(folder, 'first') });
    expect(
      listKernelspecs()
        .slice(0, 2)
        .map(spec => spec.folder)
    ).toEqual([
      join(folder, 'first', 'kernels', 'tslab-moe'),
      join(folder, 'second', 'kernels', 'tslab-moe')
    ]);
  });

  it('reports a kernelspec whose program is missing', () => {
    const spec = join(folder, 'kernels', 'tslab-moe');
    mkdirSync(spec, { recursive: true });
    writeFileSync(
      join(spec, 'kernel.json'),
      JSON.stringify({ argv: [process.execPath, '/gone/main.js'] })
    );
    expect(listKernelspecs({ dataDir: folder })).toMatchObject([
      { works: false, current: false }
    ]);
  });

  it('removes', () => {
    const { folder: spec } = installKernelspec({ dataDir: folder });
    expect(removeKernelspec({ dataDir: folder })).toBe(spec);
    expect(existsSync(spec)).toBe(false);
    expect(removeKernelspec({ dataDir: folder })).toBeUndefined();
  });

  it('reports where it cannot write', () => {
    const file = join(folder, 'file');
    writeFileSync(file, '');
    chmodSync(file, 0o400);
    expect(() => installKernelspec({ dataDir: file })).toThrow(
      expect.objectContaining({
        code: 'environment',
        where: join(file, 'kernels', 'tslab-moe')
      })
    );
  });
});
