import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadModel } from '../../api/load-model';
import type { MoEModel } from '../../api/moe-model';
import type { GraphBuilder } from '../../../test/graph-builder';
import { randomNumbers } from '../../../test/graph-builder';
import { temporaryFolder } from '../../../test/temporary';
import { tinyMoE } from '../../../test/tiny-moe';
import { smallModels } from '../../../test/zoo';
import type { CausalityOptions } from './options';
import type { CausalityResult } from './causality-result';

const EXPERTS = 8;
const [HIDDEN, INTERMEDIATE, VOCABULARY] = [16, 12, 50];
const TOKEN = 7;
const PLANTED = { layer: 1, expert: 3 };
const models: MoEModel[] = [];
afterAll(() => Promise.all(models.map(model => model.dispose())));

async function load(builder: GraphBuilder): Promise<MoEModel> {
  const model = await loadModel(builder.save());
  models.push(model);
  return model;
}

/** Mutable weights of a shape, in graph order. */
function weights(builder: GraphBuilder, ...dims: number[]): Float32Array[] {
  return builder.initializers
    .filter(tensor => tensor.dims.join() === dims.join())
    .map(({ rawData }) => {
      const { buffer, byteOffset, byteLength } = rawData as Uint8Array;
      return new Float32Array(buffer, byteOffset, byteLength / 4);
    });
}

/** One expert writes what the unembedding reads as the token. */
function planted(): GraphBuilder {
  const builder = tinyMoE();
  const down = weights(builder, EXPERTS, INTERMEDIATE, HIDDEN)[PLANTED.layer];
  const unembedding = weights(builder, HIDDEN, VOCABULARY).at(-1)!;
  for (let inner = 0; inner < INTERMEDIATE; inner++) {
    for (let h = 0; h < HIDDEN; h++) {
      down[(PLANTED.expert * INTERMEDIATE + inner) * HIDDEN + h] =
        2 * unembedding[h * VOCABULARY + TOKEN];
    }
  }
  return builder;
}

/** All experts of a layer are equal: which of them a token selects changes only its share. */
function alike(): GraphBuilder {
  const builder = tinyMoE();
  for (const dims of [
    [EXPERTS, HIDDEN, INTERMEDIATE],
    [EXPERTS, INTERMEDIATE, HIDDEN]
  ]) {
    for (const table of weights(builder, ...dims)) {
      const size = table.length / EXPERTS;
      for (let expert = 1; expert < EXPERTS; expert++) {
        table.copyWithin(expert * size, 0, size);
      }
    }
  }
  return builder;
}

function prompts(count: number): number[][] {
  const random = randomNumbers(5);
  return Array.from({ length: count }, () =>
    Array.from({ length: 8 }, () => Math.floor(random() * VOCABULARY))
  );
}

it.each(['mask', 'drop'] as const)(
  'finds the expert that writes a token, by %s',
  async mode => {
    const model = await load(planted());
    const result = await model.causalExperts(prompts(60), {
      criterion: { token: TOKEN },
      mode
    });
    expect(result.rows).toHaveLength(2 * EXPERTS);
    const [largest] = result.rows;
    expect(largest).toMatchObject({ ...PLANTED, causal: true });
    expect(largest.change).toBeLessThan(0);
    expect(-largest.change).toBeGreaterThan(1.5 * largest.nullChange);
    expect(largest.changePerToken! * largest.load).toBeCloseTo(
      60 * largest.change,
      9
    );
    const [low, high] = largest.interval!;
    expect(low).toBeGreaterThan(0);
    expect(largest.excess).toBeGreaterThan(low);
    expect(largest.excess).toBeLessThan(high);
    expect(result.toString()).toContain('layer 1 expert 3');
  }
);

it('finds none where all experts are equal', async () => {
  const model = await load(alike());
  for (const token of [3, 7, 19]) {
    const result = await model.causalExperts(prompts(40), {
      criterion: { token }
    });
    expect(result.causal).toEqual([]);
    expect(result.toString()).toContain('none changes it');
  }
});

it('accepts any score of the output, and repeats its draws', async () => {
  const model = await load(planted());
  const options = {
    criterion: {
      score: ({ logProbability }: { logProbability(token: number): number }) =>
        logProbability(TOKEN)
    },
    layers: [1],
    draws: 999
  };
  const few = prompts(20);
  const result = await model.causalExperts(few, options);
  const token = await model.causalExperts(few, {
    ...options,
    criterion: { token: TOKEN }
  });
  // Threads may add in another order.
  expect(result.rows).toHaveLength(EXPERTS);
  for (const { expert, change, p } of result.rows) {
    const other = token.rows.find(row => row.expert === expert)!;
    expect(change).toBeCloseTo(other.change, 4);
    expect(p).toBeCloseTo(other.p, 1);
  }
  expect(JSON.parse(JSON.stringify(result))).toMatchObject({
    schema: 'moe-debugger/causality@1',
    criterion: 'score',
    prompts: 20,
    draws: 999
  });
});

describe('says what cannot be told', () => {
  const withModel = async (
    builder: GraphBuilder,
    inputs: number[][],
    options: CausalityOptions
  ): Promise<CausalityResult> =>
    (await load(builder)).causalExperts(inputs, options);

  it('of one prompt, and of one token', async () => {
    for (const input of [[1, 2, 3], [1]]) {
      const result = await withModel(planted(), [input], {
        criterion: { token: TOKEN }
      });
      expect(result.rows).toHaveLength(2 * EXPERTS);
      expect(result.causal).toEqual([]);
      expect(result.rows.map(({ p, excess }) => [p, excess])).toEqual(
        Array(2 * EXPERTS).fill([1, null])
      );
      expect(result.notes.join('\n')).toMatch(
        /cannot be judged from one prompt/
      );
      expect(result.toString()).toContain('cannot be judged');
    }
  });

  it('of too few prompts', async () => {
    const result = await withModel(planted(), prompts(3), {
      criterion: { token: TOKEN }
    });
    expect(result.causal).toEqual([]);
    const { tests } = result.toJSON();
    expect(result.notes.join('\n')).toMatch(
      `${tests} of ${tests} experts could not have been found`
    );
    expect(result.rows.every(({ detectable }) => detectable === null)).toBe(
      true
    );
  });

  it('of a criterion that is constant', async () => {
    const result = await withModel(tinyMoE(), prompts(6), {
      criterion: { score: () => 3 }
    });
    expect(result.causal).toEqual([]);
    expect(result.notes.join('\n')).toMatch(
      /no ablation changes the criterion/
    );
  });

  it('of two experts, both selected or one', async () => {
    const both = await withModel(tinyMoE({ experts: 2, topK: 2 }), prompts(8), {
      criterion: { token: TOKEN },
      mode: 'drop'
    });
    expect(both.rows.map(row => row.compared)).toEqual([8, 8, 8, 8]);
    const one = await withModel(tinyMoE({ experts: 2, topK: 1 }), prompts(8), {
      criterion: { token: TOKEN }
    });
    expect(one.rows).toHaveLength(4);
    // Where a token selects one expert, it is compared with prompts in which the other one has the last token.
    expect(one.rows.every(row => row.compared < 8)).toBe(true);
  });

  it('of every expert selected: nothing is left to enter', async () => {
    const model = await load(tinyMoE({ experts: 4, topK: 4 }));
    await expect(
      model.causalExperts(prompts(4), { criterion: { token: TOKEN } })
    ).rejects.toMatchObject({ code: 'edit' });
  });

  it('of a text of one token', async () => {
    const model = await load(tinyMoE());
    await expect(
      model.causalExperts([[1]], { criterion: { text: 'own' } })
    ).rejects.toMatchObject({
      code: 'input',
      message: expect.stringMatching(/it has one token/) as string
    });
  });
});

it('finds none where the criterion is noise', async () => {
  const model = await load(tinyMoE());
  let alarms = 0;
  for (let seed = 0; seed < 10; seed++) {
    const random = randomNumbers(seed);
    const result = await model.causalExperts(prompts(20), {
      criterion: { score: () => random() }
    });
    alarms += result.causal.length > 0 ? 1 : 0;
  }
  // 5 % of 10: three or more have a probability of 1 %.
  expect(alarms).toBeLessThan(3);
});

it('reads the log-probability of a text from all of its tokens', async () => {
  const model = await load(planted());
  const inputs = prompts(6);
  const seen = new Map<string, number>();
  const result = await model.causalExperts(inputs, {
    criterion: {
      score: ({ prompt, textLogProbability }) => {
        seen.set(prompt, seen.get(prompt) ?? textLogProbability);
        return textLogProbability;
      }
    }
  });
  const { outputLogits } = await model.trace(inputs, { logits: 'all' });
  const expected = [...outputLogits.values()].map(({ data, width }, i) => {
    const logs = inputs[i].slice(1).map((id, t) => {
      const row = [...data.subarray(t * width, (t + 1) * width)];
      return row[id] - Math.log(row.reduce((sum, v) => sum + Math.exp(v), 0));
    });
    return logs.reduce((sum, log) => sum + log, 0) / logs.length;
  });
  expect(seen.size).toBe(6);
  expect(result.toJSON().original).toBeCloseTo(
    expected.reduce((sum, value) => sum + value, 0) / 6,
    4
  );
});

it('has a picture with intervals, and is saved', async () => {
  const model = await load(planted());
  const result = await model.causalExperts(prompts(20), {
    criterion: { token: TOKEN }
  });
  const data = result.spec.data as { values: { name: string; low: number }[] };
  expect(data.values[0]).toMatchObject({
    name: 'layer 1 expert 3',
    low: result.rows[0].interval![0],
    causal: true
  });
  const file = join(temporaryFolder(), 'causal.csv');
  await result.save(file);
  expect(readFileSync(file, 'utf8')).toMatch(
    /^layer,expert,excess,from,to,causal,change,.*\r\nlayer 1,3,/
  );
});

it('reads the text without an expert that no token selects, where its score decides which group is open', async () => {
  const folder = smallModels().find(name => name.includes('deepseek_v3'))!;
  const model = await loadModel(folder);
  models.push(model);
  const [prompt, maxNewTokens] = ['the cat', 8];
  const { text } = await model.generate(prompt, { maxNewTokens });
  const { rows } = await model.causalExperts([prompt], {
    criterion: {
      pattern: new RegExp(`^${text.replace(/[^\w\s]/g, '\\$&')}$`),
      maxNewTokens
    }
  });
  const idle = rows.filter(({ load }) => load === 0);
  const changes: number[] = [];
  for (const { layer, expert } of idle) {
    const edited = model.with({ ablate: [{ layer, expert }] });
    const without = await edited.generate(prompt, { maxNewTokens });
    changes.push(without.text === text ? 0 : -1);
  }
  expect(changes).toContain(-1);
  expect(changes).toContain(0);
  expect(idle.map(({ change }) => change)).toEqual(changes);
});

it.each([
  [{ criterion: { token: 50 } }, 'input', /token id 50/],
  [{ criterion: { token: 'x' } }, 'tokenizer', /no tokenizer/],
  [{ criterion: { pattern: /x/ } }, 'tokenizer', /no tokenizer/],
  [
    { criterion: { score: () => Number.NaN } },
    'input',
    /criterion is not finite/
  ],
  [{ criterion: { token: 1 }, alpha: 0 }, 'input', /alpha cannot be 0/],
  [{ criterion: { token: 1 }, draws: 0 }, 'input', /draws cannot be 0/],
  [{ criterion: { token: 1 }, layers: [9] }, 'input', /layer 9/]
])('rejects %j', async (options, code, message) => {
  const model = await load(tinyMoE());
  await expect(model.causalExperts([[1, 2, 3]], options)).rejects.toMatchObject(
    { code, message: expect.stringMatching(message) }
  );
});
