import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { onBytes } from '../../../test/byte-mutations';
import { fileOf, idsOf, imported } from '../../../test/imported';
import { temporaryFolder } from '../../../test/temporary';
import {
  ESFT_TRACE,
  hasEsftTrace,
  NO_ESFT
} from '../../../test/published-routing';
import { titled } from '../../../test/zoo';
import { expertCounts } from '../../base/charts/measure';

type Token = { ids: number[]; weights: number[] };

/** The format that ESFT's scripts write. */
const line = (tokens: readonly Token[]): string =>
  `${tokens.flatMap(({ ids }) => ids).join('\t')}\t\t${tokens.flatMap(({ weights }) => weights).join('\t')}`;

function folderOf(files: Record<string, string | Buffer>): string {
  const folder = temporaryFolder();
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(join(folder, name, '..'), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  return folder;
}

const SMALL = { experts: 4, topK: 2 };
const TWO = '0\t3\t1\t2\t\t0.5\t0.25\t0.125\t1e-3\n';

describe('ESFT', () => {
  it('reads a file per layer, plain or gzipped, with a line per sequence', async () => {
    const folder = folderOf({
      'expert_weights_2.txt':
        '0\t3\t1\t2\t\t0.5\t0.25\t0.125\t1e-3\r\n2\t1\t\t1\t0\n',
      'expert_weights_10.txt.gz': gzipSync(
        '1\t0\t3\t2\t\t0.5\t0.5\tnan\tnan\n0\t1\t\t.5\t2.\n'
      ),
      'expert_config.json': '{}'
    });
    const { report, trace } = await imported('esft', folder, SMALL);
    expect(report).toMatchObject({
      samples: 2,
      tokens: 3,
      slots: 12,
      layers: [
        { layer: 2, ...SMALL },
        { layer: 10, ...SMALL }
      ]
    });
    expect(idsOf(trace, 2)).toEqual([
      [0, 3],
      [1, 2]
    ]);
    expect([...trace.layer(2).weights]).toEqual([
      0.5,
      0.25,
      0.125,
      Math.fround(1e-3)
    ]);
    expect([...trace.layer(10).weights]).toEqual([0.5, 0.5, NaN, NaN]);
    expect([...trace.layer(10, 1).weights]).toEqual([0.5, 2]);
    expect(report.notes.join()).toMatch(/2 weights are NaN, and kept/);
  });

  it('reads the folders of several processes', async () => {
    const folder = folderOf({
      'rank_10/expert_weights_1.txt': '0\t3\t\t1\t0\n',
      'rank_2/expert_weights_1.txt': TWO
    });
    const { trace } = await imported('esft', folder, SMALL);
    expect(trace.samples.map(({ id }) => id)).toEqual([
      'rank_2/0',
      'rank_10/0'
    ]);
  });

  it('reports the shape that it assumed', async () => {
    const ids = [8, 26, 56, 57, 60, 63];
    const path = fileOf(
      'expert_weights_1.txt',
      line([{ ids, weights: ids.map(() => 1 / 6) }])
    );
    const { report, trace } = await imported('esft', path);
    expect(report.notes).toEqual([
      expect.stringContaining('6 of 64 experts') as string,
      expect.stringContaining('assumed: weights are renormalised') as string
    ]);
    expect(trace.cards).toMatchObject([
      { experts: 64, topK: 6, renormalized: true }
    ]);
  });

  it('gives back any shape', async () => {
    const shapes = fc
      .record({
        experts: fc.integer({ min: 1, max: 8 }),
        of: fc.nat(),
        lengths: fc.array(fc.integer({ min: 0, max: 4 }), {
          minLength: 1,
          maxLength: 4
        }),
        layers: fc.integer({ min: 1, max: 3 })
      })
      .filter(({ lengths }) => lengths.some(length => length > 0))
      .chain(({ experts, of, lengths, layers }) => {
        const topK = 1 + (of % experts);
        const token = fc.record({
          ids: fc.shuffledSubarray([...Array(experts).keys()], {
            minLength: topK,
            maxLength: topK
          }),
          weights: fc.array(
            fc.float({ min: 0, max: 1, noNaN: true }).map(Math.fround),
            { minLength: topK, maxLength: topK }
          )
        });
        const sequences = fc.tuple(
          ...lengths.map(n => fc.array(token, { minLength: n, maxLength: n }))
        );
        return fc.record({
          experts: fc.constant(experts),
          topK: fc.constant(topK),
          layers: fc.array(sequences, { minLength: layers, maxLength: layers })
        });
      });
    await fc.assert(
      fc.asyncProperty(shapes, async ({ experts, topK, layers }) => {
        const files = layers.map((sequences, i) => [
          `expert_weights_${i + 1}.txt`,
          sequences
            .map(tokens => (tokens.length === 0 ? '\n' : `${line(tokens)}\n`))
            .join('')
        ]);
        const { trace } = await imported(
          'esft',
          folderOf(Object.fromEntries(files) as Record<string, string>),
          { experts, topK }
        );
        const kept = layers[0]
          .map((tokens, i) => ({ tokens, i }))
          .filter(({ tokens }) => tokens.length > 0);
        expect(trace.samples.map(({ id }) => id)).toEqual(
          kept.map(({ i }) => String(i))
        );
        layers.forEach((sequences, l) =>
          kept.forEach(({ i }, s) => {
            const layer = trace.layer(l + 1, s);
            expect([...layer.selected]).toEqual(
              sequences[i].flatMap(({ ids }) => ids)
            );
            expect(layer.weights).toEqual(
              Float32Array.from(sequences[i].flatMap(({ weights }) => weights))
            );
          })
        );
      }),
      { numRuns: 20 }
    );
  });

  const withTrace = hasEsftTrace ? it : it.skip;
  withTrace(
    titled('gives the scores that ESFT published', hasEsftTrace, NO_ESFT),
    async () => {
      const { report, trace } = await imported('esft', ESFT_TRACE);
      expect(report).toMatchObject({ tokens: 8222, slots: 8222 * 6 * 26 });
      const { token_scores: published } = JSON.parse(
        readFileSync(join(ESFT_TRACE, 'summary.json'), 'utf8')
      ) as { token_scores: Record<string, Record<string, number>> };
      for (const [layer, scores] of Object.entries(published)) {
        const counts = new Float64Array(64);
        trace.samples.forEach((_, s) =>
          expertCounts(trace.layer(Number(layer), s)).forEach(
            (count, e) => (counts[e] += count)
          )
        );
        for (const [expert, score] of Object.entries(scores)) {
          expect(counts[Number(expert)] / (6 * 8222)).toBeCloseTo(score, 4);
        }
      }
    }
  );
});

describe('ESFT text of other programs', () => {
  const ids = [
    [0, 3],
    [1, 2]
  ];

  it.each<[string, string | Buffer]>([
    ['a byte order mark', `\ufeff${TWO}`],
    ['UTF-16, as PowerShell writes', Buffer.from(`\ufeff${TWO}`, 'utf16le')],
    ['ids as whole floats', TWO.replace('0\t3\t1\t2', '0.0\t3.\t1.0\t2.00')]
  ])('is read: %s', async (_, text) => {
    const folder = folderOf({ 'expert_weights_1.txt': text });
    const { trace } = await imported('esft', folder, SMALL);
    expect(idsOf(trace, 1)).toEqual(ids);
  });

  it('notes that further layers lie beside a single file', async () => {
    const folder = folderOf({
      'expert_weights_1.txt': TWO,
      'expert_weights_2.txt': TWO
    });
    const { report } = await imported(
      'esft',
      join(folder, 'expert_weights_1.txt'),
      SMALL
    );
    expect(report.notes.join('\n')).toMatch(
      /only this file's layer was read: .*1 further layers/
    );
  });

  it('refuses an infinite weight', async () => {
    const folder = folderOf({
      'expert_weights_1.txt': '0\t3\t\tinf\t0.5\n'
    });
    await expect(imported('esft', folder, SMALL)).rejects.toMatchObject({
      code: 'input',
      message: expect.stringMatching(
        /the weight is infinite .*layer 1, position 0, rank 0/
      ) as string
    });
  });
});

describe('damaged ESFT text is rejected with its position', () => {
  const one = (text: string) => ({ 'expert_weights_1.txt': text });
  it.each<[string, Record<string, string | Buffer>, RegExp]>([
    [
      'a word',
      one('0\tx\t\t1\t0\n'),
      /"x" is not an expert id \(.*_1\.txt, line 1, column 3\)/
    ],
    [
      'an invalid expert',
      one(`${TWO}0\t4\t\t1\t0\n`),
      /invalid expert 4: there are 4 experts \(.*line 2, column 3\)/
    ],
    ['an expert below 0', one('0\t-1\t\t1\t0\n'), /invalid expert -1/],
    ['an expert twice', one('3\t3\t\t1\t0\n'), /expert 3 twice.*column 3/],
    [
      'an invalid weight',
      one('0\t1\t\t1\t0..5\n'),
      /"0\.\.5" is not a weight.*column 8/
    ],
    [
      'a negative weight',
      one('0\t1\t\t1.5\t-0.5\n'),
      /the weight -0\.5 is negative .*layer 1, position 0, rank 1/
    ],
    [
      'a layer number that no model has',
      { 'expert_weights_4294967297.txt': TWO },
      /invalid layer 4294967297/
    ],
    ['no weights', one('0\t1\n'), /no weights after its ids.*line 1, column 4/],
    [
      'half a token',
      one('0\t1\t2\t\t1\t0\t0\n'),
      /3 ids are not a multiple of 2/
    ],
    ['fewer weights', one('0\t1\t\t1\n'), /2 ids and 1 weights/],
    ['an empty field', one('0\t\t1\t\t1\t0\n'), /ids/],
    [
      'a number as long as a line',
      one(`0\t${'1'.repeat(99)}\t\t1\t0\n`),
      /is not an expert id/
    ],
    [
      'a layer that ends early',
      { 'expert_weights_1.txt': TWO, 'expert_weights_2.txt': TWO + TWO },
      /ends, but expert_weights_2\.txt has another sequence \(.*_1\.txt, line 2\)/
    ],
    [
      'a layer of other tokens',
      { 'expert_weights_1.txt': TWO, 'expert_weights_2.txt': '0\t1\t\t1\t0\n' },
      /1 tokens, but expert_weights_1\.txt has 2 \(.*_2\.txt, line 1\)/
    ],
    [
      'a layer that is there twice',
      { 'expert_weights_1.txt': TWO, 'expert_weights_01.txt': TWO },
      /layer 1 occurs twice/
    ],
    [
      'a gzipped file that is cut off',
      { 'expert_weights_1.txt.gz': gzipSync(TWO.repeat(99)).subarray(0, 60) },
      /cannot be read: unexpected end of file \(.*line/
    ],
    ['no files', { 'x.txt': TWO }, /no expert weights/],
    ['no tokens', one('\n\n'), /no tokens/],
    ['nothing', one(''), /no tokens/]
  ])('%s', async (_, files, message) => {
    const folder = folderOf(files);
    const out = join(folder, 'out.parquet');
    await expect(
      imported('esft', folder, { ...SMALL, out })
    ).rejects.toMatchObject({
      code: 'input',
      message: expect.stringMatching(message) as string
    });
    expect(readdirSync(folder).sort()).toEqual(Object.keys(files).sort());
  });

  it('weights that do not sum as the model says', async () => {
    const path = fileOf(
      'expert_weights_1.txt',
      '0\t1\t\t0.5\t0.5\n2\t1\t\t0.5\t0.2\n'
    );
    await expect(
      imported('esft', path, { ...SMALL, renormalized: true })
    ).rejects.toThrow(
      /sum to 0\.7000, but the model's sum to 1 .*sample 1, layer 1, position 0/
    );
  });

  it('randomly changed bytes are rejected, or are other numbers', async () => {
    let state = 4711;
    const random = (): number => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return state / 2 ** 32;
    };
    let refused = 0;
    for (let i = 0; i < 6; i++) {
      for (const mutate of Object.values(onBytes)) {
        const path = fileOf(
          'expert_weights_1.txt',
          mutate(Buffer.from(TWO.repeat(5)), random)
        );
        const outcome = await imported('esft', path, SMALL).then(
          () => undefined,
          (error: unknown) => error
        );
        if (outcome) {
          expect(outcome).toMatchObject({ code: 'input' });
          refused++;
        }
      }
    }
    expect(refused).toBeGreaterThan(15);
  });
});
