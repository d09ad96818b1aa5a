/** What is the same for all formats: the options, config.json, and errors of reading. */
import { readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileOf, idsOf, imported, refusal } from '../../../test/imported';
import { temporaryFolder } from '../../../test/temporary';
import type { ImportOptions } from './import-trace';

/** Two tokens at two layers, two experts each. */
const ROWS = '0,1\n0,2\n0,3\n0,0\n1,0\n1,1\n1,2\n1,3\n';
const csv = (): string => fileOf('run.csv', ROWS);
const read = (
  path: string,
  options: Partial<ImportOptions> = {}
): ReturnType<typeof imported> =>
  imported('llamacpp', path, { topK: 2, ...options });

describe('the options of an import', () => {
  it('add what the file does not say', async () => {
    const { report, trace } = await read(csv(), { experts: 6, model: 'mine' });
    expect(report).toMatchObject({
      model: 'mine',
      samples: 1,
      tokens: 2,
      slots: 8,
      layers: [
        { layer: 0, experts: 6, topK: 2 },
        { layer: 1, experts: 6, topK: 2 }
      ]
    });
    expect(idsOf(trace, 0)).toEqual([
      [1, 2],
      [3, 0]
    ]);
  });

  it.each<[string, Partial<ImportOptions>, RegExp]>([
    ['no expert', { experts: 0 }, /experts of 0 cannot be/],
    ['half an expert', { experts: 7.5 }, /experts of 7\.5 cannot be/],
    ['too many experts', { experts: 65_537 }, /experts of 65537 cannot be/],
    ['no choice', { topK: 0 }, /topK of 0 cannot be/],
    ['no layer', { layers: -1 }, /layers of -1 cannot be/],
    [
      'more choices than experts',
      { experts: 1 },
      /a token cannot select 2 of 1 experts/
    ],
    [
      'fewer experts than the file has',
      { experts: 2 },
      /invalid expert 2: the limit is 2/
    ]
  ])('are refused: %s', async (_what, options, message) => {
    await expect(read(csv(), options)).rejects.toMatchObject(refusal(message));
  });

  it('accept as many choices as there are experts', async () => {
    const all = fileOf('run.csv', '0,1\n0,0\n0,0\n0,1\n');
    const { report } = await read(all, { experts: 2 });
    expect(report.layers).toEqual([{ layer: 0, experts: 2, topK: 2 }]);
  });
});

describe('config.json', () => {
  const CONFIG = {
    _name_or_path: 'org/model',
    model_type: 'mixtral',
    num_local_experts: 5,
    num_experts_per_tok: 2
  };
  const withConfig = (content: object): string => {
    const path = csv();
    writeFileSync(join(dirname(path), 'config.json'), JSON.stringify(content));
    return path;
  };
  const importIt = (
    path: string,
    options: Partial<ImportOptions> = {}
  ): ReturnType<typeof imported> => imported('llamacpp', path, options);

  it('beside the trace is read, and this is said', async () => {
    const path = withConfig(CONFIG);
    const { report, trace } = await importIt(path);
    expect(report).toMatchObject({
      model: 'org/model',
      layers: [
        { layer: 0, experts: 5, topK: 2 },
        { layer: 1, experts: 5, topK: 2 }
      ]
    });
    expect(report.notes).toContain(
      `read from ${join(dirname(path), 'config.json')}: the model's shape`
    );
    expect(trace.samples[0].id).toBe('run');
  });

  it('gives way to options', async () => {
    const { report } = await importIt(withConfig(CONFIG), {
      experts: 7,
      model: 'mine'
    });
    expect(report.model).toBe('mine');
    expect(report.layers[0]).toEqual({ layer: 0, experts: 7, topK: 2 });
  });

  it('without a name leaves the name of the file', async () => {
    const { report } = await importIt(
      withConfig({ ...CONFIG, _name_or_path: '' })
    );
    expect(report.model).toBe('run');
  });

  it('that an option names must exist', async () => {
    const config = join(temporaryFolder(), 'config.json');
    await expect(importIt(csv(), { config })).rejects.toMatchObject({
      code: 'input',
      message: expect.stringContaining('no such config.json') as string,
      where: config
    });
  });

  it('that says nonsense is refused', async () => {
    await expect(
      importIt(withConfig({ ...CONFIG, num_experts_per_tok: 6 }))
    ).rejects.toMatchObject(refusal(/a token cannot select 6 of 5 experts/));
  });
});

describe('errors of reading', () => {
  it('name what is not there, and a format that is none', async () => {
    const absent = join(temporaryFolder(), 'absent.csv');
    await expect(read(absent)).rejects.toMatchObject({
      code: 'input',
      where: absent
    });
    await expect(imported('toString' as 'esft', csv())).rejects.toMatchObject(
      refusal(/there is no format toString/)
    );
  });

  it('of the system name the file, and nothing fails later', async () => {
    const folder = temporaryFolder();
    symlinkSync(join(folder, 'b.csv'), join(folder, 'a.csv'));
    await expect(read(folder)).rejects.toMatchObject(
      refusal(/the file cannot be opened: ENOENT/)
    );
  });

  it('leave nothing behind, and pass on a cancel', async () => {
    const stop = new AbortController();
    stop.abort();
    const folder = temporaryFolder();
    await expect(
      read(csv(), { signal: stop.signal, out: join(folder, 'out.parquet') })
    ).rejects.toMatchObject({ code: 'cancelled' });
    expect(readdirSync(folder)).toEqual([]);
  });

  it('of a file without tokens', async () => {
    await expect(
      read(fileOf('run.csv', 'layer,expert\n'))
    ).rejects.toMatchObject(refusal(/the trace has no tokens/));
  });
});
