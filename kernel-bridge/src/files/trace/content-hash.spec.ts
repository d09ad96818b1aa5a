import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { randomNumbers } from '../../../test/graph-builder';
import { refusal } from '../../../test/imported';
import { query, sql } from '../../../test/parquet-rows';
import { temporaryFolder } from '../../../test/temporary';
import {
  describeFindings,
  findingsState,
  readFindingsState,
  type RoutingSample
} from '../../base/protocol';
import type { MoELayerCard } from '../../run/model/description';
import { route } from '../../routing/route';
import { analyze } from '../../analyses/behaviour';
import { diagnose } from '../../analyses/findings';
import { encodeMetadata } from './metadata';
import { ParquetWriter } from './parquet';
import { openTrace, readTrace } from './read-trace';

const EXPERTS = 8;
const CARD: MoELayerCard = {
  layer: 3,
  moe: true,
  experts: EXPERTS,
  topK: 2,
  score: 'softmax',
  scoreBeforeTopK: true,
  renormalized: false,
  sharedExperts: 0,
  router: {
    pattern: 'softmax > top-k',
    logits: 'l',
    logitsAre: 'logits',
    selected: null,
    weights: null
  }
};

/** Routed by the card, from random logits. */
function sample(tokens: number, id: string, seed = 1): RoutingSample {
  const random = randomNumbers(seed);
  const logits = Float32Array.from(
    { length: tokens * EXPERTS },
    () => 8 * random() - 4
  );
  return {
    id,
    tokens: Array.from({ length: tokens }, (_, position) => ({
      position,
      id: position % 3 === 0 ? -1 : position,
      text: ['', 'a', 'Grüße', '\0\ud83d\ude00'][position % 4]
    })),
    layers: [
      {
        layer: 3,
        experts: EXPERTS,
        topK: 2,
        score: 'softmax',
        logitsAre: 'logits',
        logits,
        ...route(logits, EXPERTS, 2, CARD)
      }
    ]
  };
}

async function write(...samples: RoutingSample[]): Promise<string> {
  const path = join(temporaryFolder(), 'trace.parquet');
  const writer = await ParquetWriter.create(path, {
    run: 'r',
    model: 'm',
    cards: [CARD]
  });
  for (const each of samples) {
    await writer.add(each);
  }
  await writer.finish();
  return path;
}

async function metadataOf(path: string): Promise<string> {
  const [{ value }] = await query(
    `SELECT decode(value) AS value FROM parquet_kv_metadata('${path}')`
  );
  return String(value);
}

/** The same rows, changed, with the metadata of the original or other. */
async function changed(
  path: string,
  select: string,
  metadata?: string
): Promise<string> {
  const copy = join(temporaryFolder(), 'changed.parquet');
  const json = metadata ?? (await metadataOf(path));
  await sql(
    `COPY (SELECT ${select} FROM read_parquet('${path}')) TO '${copy}' (FORMAT parquet, KV_METADATA {'moe-debugger': '${json}'})`
  );
  return copy;
}

describe('the hash of the content', () => {
  it('is what docs/traces.md defines', async () => {
    const path = await write(sample(5, 'a'), {
      ...sample(2, 'ü'),
      domain: 'd'
    });
    const words: Buffer[] = [];
    const word = (value: number): void => {
      const bytes = Buffer.alloc(4);
      bytes.writeInt32LE(value);
      words.push(bytes);
    };
    const text = (value: unknown): void => {
      if (value === null) {
        word(0);
        return;
      }
      const utf8 = Buffer.from(String(value));
      word(utf8.length + 1);
      words.push(utf8, Buffer.alloc((4 - (utf8.length % 4)) % 4));
    };
    const integer = (value: unknown): void => {
      word(value === null ? 0 : 1);
      if (value !== null) {
        word(value as number);
      }
    };
    const floats = (value: unknown): void => {
      const list = value as number[];
      word(list.length + 1);
      words.push(Buffer.from(Float32Array.from(list).buffer));
    };
    const rows = await query(`FROM read_parquet('${path}')`);
    for (const row of rows) {
      text(row.run);
      text(row.sample);
      text(row.domain);
      integer(row.position);
      integer(row.token_id);
      text(row.token_text);
      text(row.stack);
      integer(row.layer);
      text(row.module);
      const experts = row.experts as number[];
      word(experts.length + 1);
      experts.forEach(word);
      floats(row.weights);
      floats(row.logits);
    }
    expect(rows).toHaveLength(7);
    const json = await metadataOf(path);
    const [head] = json.split(',"content":');
    expect((JSON.parse(json) as { content: unknown }).content).toEqual({
      rowGroups: [
        {
          rows: 7,
          sha256: createHash('sha256')
            .update(Buffer.concat(words))
            .digest('hex')
        }
      ],
      metadata: createHash('sha256').update(`${head}}`).digest('hex')
    });
    const file = await openTrace(path);
    expect(file.integrity).toBe('hashed');
    file.close();
    expect((await readTrace(path)).samples).toHaveLength(2);
  });

  it('is one a row group, also where rows moved to the disk', async () => {
    const plain = sample(125_000, 'plain');
    plain.layers[0].logits = new Float32Array();
    const path = join(temporaryFolder(), 'long.parquet');
    // Moved after each sample, which does not end with a whole chunk.
    const writer = await ParquetWriter.create(
      path,
      { run: 'r', model: 'm', cards: [CARD] },
      1000
    );
    await writer.add(sample(3000, 'before'));
    await writer.add(plain);
    await writer.add(sample(500, 'after'));
    await writer.finish();
    const groups = await query(
      `SELECT any_value(row_group_num_rows) AS rows FROM parquet_metadata('${path}') GROUP BY row_group_id ORDER BY row_group_id`
    );
    const { content } = JSON.parse(await metadataOf(path)) as {
      content: { rowGroups: { rows: number }[] };
    };
    expect(content.rowGroups.map(({ rows }) => rows)).toEqual(
      groups.map(({ rows }) => Number(rows))
    );
    expect(groups.map(({ rows }) => Number(rows))).toEqual([122_880, 5620]);
  });

  it('finds nearly every flipped bit of the rows', async () => {
    const path = await write(sample(300, 'a'));
    const original = readFileSync(path);
    const before = (await readTrace(path)).toJSON().samples;
    const random = randomNumbers(7);
    const damaged = join(temporaryFolder(), 'flipped.parquet');
    const outcomes = { hash: 0, other: 0, same: 0 };
    for (let i = 0; i < 64; i++) {
      const bytes = Buffer.from(original);
      // The pages, but not the footer behind them.
      const at = Math.floor(random() * 0.8 * bytes.length);
      bytes[at] ^= 1 << Math.floor(8 * random());
      writeFileSync(damaged, bytes);
      await readTrace(damaged).then(
        trace => {
          expect(trace.toJSON().samples).toEqual(before);
          outcomes.same++;
        },
        (error: unknown) => {
          expect(error).toMatchObject({ code: 'input' });
          outcomes[/hash differs/.test(String(error)) ? 'hash' : 'other']++;
        }
      );
    }
    // Without the hash these are read as good.
    expect(outcomes.hash).toBeGreaterThan(32);
    expect(outcomes.same).toBeLessThan(8);
  }, 60_000);

  it.each([
    [
      'a value',
      '* REPLACE (CASE WHEN position = 4 THEN list_transform(logits, lambda x: x + 1e-3) ELSE logits END AS logits)',
      /hash differs/
    ],
    ['a null', '* REPLACE (NULL::INTEGER AS token_id)', /hash differs/],
    ['a text', "* REPLACE (token_text || ' ' AS token_text)", /hash differs/],
    ['a name', "* REPLACE ('s' AS run)", /hash differs/]
  ])('tells a change of %s', async (_, select, message) => {
    const path = await write(sample(6, 'a'));
    await expect(readTrace(await changed(path, '*'))).resolves.toBeDefined();
    await expect(readTrace(await changed(path, select))).rejects.toMatchObject(
      refusal(message)
    );
  });

  it('tells rows that are gone, were added, or lie in another order', async () => {
    const path = await write(sample(6, 'a'), sample(6, 'b'));
    const copy = async (from: string): Promise<string> => {
      const to = join(temporaryFolder(), 'copy.parquet');
      await sql(
        `COPY (SELECT * FROM ${from.replaceAll('FILE', `read_parquet('${path}')`)}) TO '${to}' (FORMAT parquet, KV_METADATA {'moe-debugger': '${await metadataOf(path)}'})`
      );
      return to;
    };
    await expect(readTrace(await copy('FILE LIMIT 9'))).rejects.toMatchObject(
      refusal(/fewer rows than were written/)
    );
    await expect(
      readTrace(
        await copy(
          "FILE UNION ALL SELECT * REPLACE (99 AS position) FROM FILE WHERE sample = 'b' LIMIT 13"
        )
      )
    ).rejects.toMatchObject(refusal(/hash differs/));
    await expect(
      readTrace(await copy('FILE ORDER BY position, sample'))
    ).rejects.toMatchObject(refusal(/another order/));
  });

  it('tells changed metadata, and invalid hashes', async () => {
    const path = await write(sample(3, 'a'));
    const json = await metadataOf(path);
    for (const [from, to, message] of [
      ['"renormalized":false', '"renormalized":true', /not what was written/],
      [/"sha256":"\w/, '"sha256":"x', /is not a SHA-256/],
      ['"rows":3', '"rows":4', /fewer rows/]
    ] as const) {
      expect(json.replace(from, to)).not.toBe(json);
      await expect(
        readTrace(await changed(path, '*', json.replace(from, to)))
      ).rejects.toMatchObject(refusal(message));
    }
  });
});

describe('a file without a hash', () => {
  const unhashed = JSON.stringify({
    schema: 'moe-debugger/parquet@1',
    model: 'm',
    layers: [CARD]
  });

  it('opens as unverified', async () => {
    const path = await changed(await write(sample(6, 'a')), '*', unhashed);
    const file = await openTrace(path);
    expect(file.integrity).toBe('unverified');
    file.close();
    const trace = await readTrace(path);
    expect(trace.samples[0].tokens).toHaveLength(6);
    expect(trace.integrity).toBe('unverified');
    expect((await readTrace(await write(sample(6, 'a')))).integrity).toBe(
      'hashed'
    );
  });

  it('is read with a changed logit that no selection shows, and says in every form that it is unverified', async () => {
    const path = await changed(
      await write(sample(6, 'a')),
      '* REPLACE (list_transform(logits, lambda x: CASE WHEN x = list_min(logits) THEN x - 1e-3::FLOAT ELSE x END) AS logits)',
      unhashed
    );
    const trace = await readTrace(path);
    for (const document of [diagnose(trace), analyze(trace)]) {
      expect(document).toMatchObject({ integrity: 'unverified' });
      expect(JSON.parse(JSON.stringify(document))).toMatchObject({
        integrity: 'unverified'
      });
    }
    const note =
      /unverified: the trace file, or one that it was made of, has no hash of its content/;
    expect(String(diagnose(trace))).toMatch(note);
    const state = findingsState(diagnose(trace));
    expect(describeFindings('m', readFindingsState(state))).toMatch(note);
  });

  it.each([
    [
      'another selection',
      '[list_position(logits, list_min(logits)) - 1, experts[2]] AS experts',
      /is selected, which the logits do not give/
    ],
    [
      'another weight',
      '[weights[1] + 0.01, weights[2]] AS weights',
      /where the logits give/
    ],
    [
      'a weight that is no number',
      `[weights[1], 'NaN'::FLOAT] AS weights`,
      /has the weight NaN, where the logits give/
    ],
    [
      'another logit',
      'list_transform(logits, lambda x, i: CASE WHEN i = 1 THEN x + 8 ELSE x END) AS logits',
      /the logits (do not )?give/
    ]
  ])('is compared with its logits: %s', async (_, value, message) => {
    const path = await changed(
      await write(sample(6, 'a')),
      `* REPLACE (${value})`,
      unhashed
    );
    await expect(readTrace(path)).rejects.toMatchObject(refusal(message));
  });

  it('of an edited model is not: its experts follow the edits', async () => {
    const edited = encodeMetadata(
      {
        model: 'm',
        layers: [CARD],
        edits: [{ kind: 'ablate', layer: 3, expert: 1, mode: 'mask' }]
      },
      () => ({ rowGroups: [] })
    ).replace(',"content":{"rowGroups":[]}', '');
    const path = await changed(
      await write(sample(6, 'a')),
      '* REPLACE ([(experts[1] + 1) % 8, (experts[1] + 2) % 8] AS experts)',
      edited
    );
    expect((await readTrace(path)).samples).toHaveLength(1);
  });
});
