/** The files that a command is given, as a shell sees them: broken, linked, without a hash. Runs the built package. */
import {
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync
} from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { CARDS, rowsFile } from './parquet-rows';
import { promptsFile, run } from './run-cli';
import { temporaryFolder } from './temporary';
import { DEMO } from './zoo';

/** The demo model, with another tokenizer.json. */
function demoWith(tokenizer: string): string {
  const folder = join(temporaryFolder(), 'model');
  mkdirSync(folder);
  for (const name of readdirSync(DEMO)) {
    const path = join(DEMO, name);
    if (statSync(path).isFile()) {
      copyFileSync(path, join(folder, name));
    }
  }
  writeFileSync(join(folder, 'tokenizer.json'), tokenizer);
  return folder;
}

interface Traced {
  samples: { tokens: { id: number; text?: string }[]; layers: unknown[] }[];
}

describe('a broken tokenizer.json', () => {
  const model = demoWith('{"broken');

  it('leaves runs on token ids as they are, without texts, and says so', async () => {
    const args = ['--input-ids', '1,5,9,20', '--json'];
    const [broken, whole] = await Promise.all([
      run(['trace', model, ...args]),
      run(['trace', DEMO, ...args])
    ]);
    expect([broken.code, whole.code]).toEqual([0, 0]);
    expect(whole.stderr).toBe('');
    expect(broken.stderr).toMatch(
      /^moe-debugger: warning: the model's tokenizer cannot be read \(.*tokenizer\.json: .*\): only token ids can be given, and tokens have no texts\n$/
    );
    const [got, expected] = [broken, whole].map(
      ({ stdout }) => (JSON.parse(stdout) as Traced).samples[0]
    );
    expect(got.layers).toEqual(expected.layers);
    expect(got.layers.length).toBeGreaterThan(0);
    expect(got.tokens.map(({ id, text }) => [id, text])).toEqual(
      [1, 5, 9, 20].map(id => [id, undefined])
    );
  });

  it('leaves prompts of token ids of other commands as they are', async () => {
    const prompts = promptsFile(
      { input_ids: [1, 5, 9] },
      { input_ids: [2, 7] }
    );
    const ended = await run([
      'diagnose',
      model,
      '--prompts',
      prompts,
      '--json'
    ]);
    expect(ended.code).toBe(0);
    expect(JSON.parse(ended.stdout)).toMatchObject({ tokens: 5, samples: 2 });
    expect(ended.stderr).toMatch(
      /warning: the model's tokenizer cannot be read/
    );
  });

  it.each([
    [
      ['trace', '--prompt', 'a'],
      /cannot be read \(.*token ids instead of text/
    ],
    [['diagnose'], /cannot be read \(.*which the built-in texts need/],
    [
      ['generate', '--prompt', 'a'],
      /cannot be read \(.*token ids instead of text/
    ]
  ])('is the error of %j', async ([command, ...args], message) => {
    const { code, stderr } = await run([command, model, ...args]);
    expect(code).toBe(2);
    expect(stderr).toMatch(message);
  });
});

describe('--prompts', () => {
  const LINE = '{"id":"a","input_ids":[1,2,3]}\n';
  const given = (content: Buffer): string => {
    const path = join(temporaryFolder(), 'prompts');
    writeFileSync(path, content);
    return path;
  };

  it.each<[string, Buffer]>([
    ['gzip', gzipSync(LINE)],
    ['UTF-16', Buffer.from(`\ufeff${LINE}`, 'utf16le')]
  ])('reads %s', async (_, content) => {
    const ended = await run([
      'trace',
      DEMO,
      '--prompts',
      given(content),
      '--json'
    ]);
    expect(ended.stderr).toBe('');
    expect(JSON.parse(ended.stdout)).toMatchObject({
      samples: [{ id: 'a', tokens: [{ id: 1 }, { id: 2 }, { id: 3 }] }]
    });
  });

  it('refuses a folder in one line', async () => {
    const { code, stderr } = await run(['trace', DEMO, '--prompts', '.']);
    expect(code).toBe(2);
    expect(stderr).toBe(
      'moe-debugger: error: this is a folder (.): give a JSON Lines file of prompts in it\n'
    );
  });
});

describe('--out', () => {
  const args = ['--input-ids', '1,2', '--out'];

  it('writes through a symbolic link', async () => {
    const folder = temporaryFolder();
    const [link, real] = ['link', 'real'].map(name =>
      join(folder, `${name}.parquet`)
    );
    symlinkSync('real.parquet', link);
    for (const attempt of ['new', 'replaced']) {
      const { code } = await run(['trace', DEMO, ...args, link]);
      expect([attempt, code]).toEqual([attempt, 0]);
      expect(lstatSync(link).isSymbolicLink()).toBe(true);
      expect(readFileSync(real).toString('latin1', 0, 4)).toBe('PAR1');
    }
    expect(readdirSync(folder).sort()).toEqual([
      'link.parquet',
      'real.parquet'
    ]);
  });

  it.each([
    ['a device', () => '/dev/null', /a device or a pipe/],
    ['a folder', () => temporaryFolder(), /it is a folder/]
  ])('does not replace %s', async (_, path, message) => {
    const out = path();
    const { code, stderr } = await run(['trace', DEMO, ...args, out]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^moe-debugger: error: the file cannot be written/);
    expect(stderr).toMatch(message);
    expect(existsSync(out) && !statSync(out).isFile()).toBe(true);
  });
});

describe('a trace without a hash of its content', () => {
  const rows = Array.from(
    { length: 12 },
    (_, t) => `'a', ${t}, 1, [${t % 4}, ${(t + 1) % 4}]`
  );
  const NOTE =
    /unverified: the trace file, or one that it was made of, has no hash of its content, so a damaged number may go unnoticed/;

  it.each([['analyze'], ['diagnose']])(
    'is told to be unverified by %s',
    async command => {
      const path = await rowsFile(rows);
      const text = await run([command, path]);
      expect([text.code, text.stderr]).toEqual([0, '']);
      expect(text.stdout).toMatch(NOTE);
      const json = await run([command, path, '--json']);
      expect(JSON.parse(json.stdout)).toMatchObject({
        integrity: 'unverified'
      });
    }
  );

  it('is told to be unverified as a baseline, and in its report', async () => {
    const path = await rowsFile(rows);
    const compared = await run(['diagnose', path, '--baseline', path]);
    expect(compared.stderr).toMatch(/^the baseline is unverified/);
    const out = join(temporaryFolder(), 'report.html');
    await run(['export', path, '--format', 'html', '--out', out]);
    expect(readFileSync(out, 'utf8')).toMatch(NOTE);
  });

  it('is told from one that has a hash', async () => {
    const out = join(temporaryFolder(), 'trace.parquet');
    await run(['trace', DEMO, '--input-ids', '1,2,3', '--out', out]);
    for (const command of ['analyze', 'diagnose']) {
      const text = await run([command, out]);
      expect(text.stdout).not.toMatch(/unverified/);
      const json = await run([command, out, '--json']);
      expect(JSON.parse(json.stdout)).toMatchObject({ integrity: 'hashed' });
    }
  });
});

it('shows what a program could not decode as an escape', async () => {
  const rows = CARDS.flatMap(({ layer }) =>
    Array.from(
      { length: 40 },
      (_, t) =>
        `'s${t % 4}', 'caf\ufffd', ${t >> 2}, ${layer}, [${t % 4}, ${(t + 1) % 4}]`
    )
  );
  const path = await rowsFile(rows, {
    columns: 'sample, domain, position, layer, experts',
    metadata: JSON.stringify({
      schema: 'moe-debugger/parquet@1',
      model: 'caf\ufffd',
      layers: CARDS
    })
  });
  for (const command of ['analyze', 'diagnose']) {
    const { code, stdout } = await run([command, path]);
    expect(code).toBe(0);
    expect(stdout).toContain('caf\\ufffd');
    expect(stdout).not.toContain('\ufffd');
  }
});
