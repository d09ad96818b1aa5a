import { loadModel } from '../../api/load-model';
import type { MoEModel } from '../../api/moe-model';
import type { GraphBuilder } from '../../../test/graph-builder';
import { randomNumbers } from '../../../test/graph-builder';
import { tinyMoE } from '../../../test/tiny-moe';

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
    const [surest] = result.causal;
    expect(surest).toMatchObject({ ...PLANTED, causal: true });
    expect(surest.change).toBeLessThan(0);
    // The expert itself is among the ones drawn.
    expect(-surest.change).toBeGreaterThan(1.5 * surest.nullChange);
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
  for (const { expert, change, p } of result.rows) {
    const other = token.rows.find(row => row.expert === expert)!;
    expect(change).toBeCloseTo(other.change, 4);
    expect(p).toBeCloseTo(other.p, 2);
  }
  expect(JSON.parse(JSON.stringify(result))).toMatchObject({
    schema: 'moe-debugger/causality@1',
    criterion: 'score',
    prompts: 20,
    draws: 999
  });
});

it('warns when there are too few prompts for a finding', async () => {
  const model = await load(planted());
  const result = await model.causalExperts([[1, 2, 3]], {
    criterion: { token: TOKEN }
  });
  expect(result.causal).toEqual([]);
  expect(result.notes.join()).toMatch(/16 of 16 experts could not have been/);
  result.rows.forEach(({ p, smallestP }) =>
    expect(p).toBeGreaterThanOrEqual(0.9 * smallestP)
  );
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
