/** Triggers that are planted in small traces, and traces that have none. */
import { anything, samplesOf } from '../../../test/made-samples';
import { NO_TOKEN_ID, type RoutingSample } from '../../base/protocol';
import { ngramTriggers } from './ngram-triggers';

/** Texts in which tokens 1 and 2 after each other select expert 6, once a text. */
function planted(texts = 60): RoutingSample[] {
  const samples = samplesOf(anything, { samples: texts });
  for (const { tokens, layers } of samples) {
    tokens[20].id = 1;
    tokens[21].id = 2;
    layers[0].selected.set([6, 4], 2 * 21);
  }
  return samples;
}

it('ranks the planted sequence first, with what it selects otherwise', () => {
  const samples = planted();
  const { triggers, notes } = ngramTriggers(samples);
  expect(
    triggers
      .slice(0, 2)
      .map(({ ids, expert }) => [ids, expert])
      .sort()
  ).toEqual([
    [[1, 2], 4],
    [[1, 2], 6]
  ]);
  // Counted here, text by text.
  const texts = samples.filter(({ tokens }) =>
    tokens.some(({ id }, t) => id === 2 && tokens[t - 1]?.id === 1)
  );
  const elsewhere = samples.flatMap(({ tokens, layers }) =>
    tokens.flatMap(({ id }, t) =>
      id === 2 && tokens[t - 1]?.id !== 1
        ? [layers[0].selected.subarray(2 * t, 2 * t + 2).includes(6)]
        : []
    )
  );
  expect(triggers.find(({ expert }) => expert === 6)).toMatchObject({
    router: 'layer 3',
    layer: 3,
    seen: texts.length,
    otherwise: elsewhere.filter(Boolean).length / elsewhere.length
  });
  expect(notes).toEqual([]);
});

it('counts a text once, however often it repeats a sequence', () => {
  const samples = samplesOf(anything, { samples: 9, length: 200 });
  for (const { tokens, layers } of samples) {
    for (let t = 10; t < 200; t += 10) {
      tokens[t].id = 1;
      tokens[t + 1].id = 2;
      layers[0].selected.set([6, 4], 2 * (t + 1));
    }
  }
  // 171 occurrences, of 9 texts.
  const { triggers, notes } = ngramTriggers(samples);
  expect(triggers).toEqual([]);
  expect(notes.join()).toMatch(/nothing can be told.*in 10 texts/);
});

it('counts a text once among those that select the expert', () => {
  const samples = planted(30).map(sample => ({ ...sample }));
  for (const { tokens, layers } of samples) {
    tokens[40].id = 1;
    tokens[41].id = 2;
    layers[0].selected.set([6, 4], 2 * 41);
  }
  const found = ngramTriggers(samples).triggers.find(
    ({ ids, expert }) => ids.join() === '1,2' && expert === 6
  );
  expect(found).toMatchObject({ seen: 30, selected: 30, rate: 1 });
});

it('takes tokens by their texts where ids are unknown', () => {
  const samples = planted().map(sample => ({
    ...sample,
    tokens: sample.tokens.map(token => ({
      ...token,
      id: NO_TOKEN_ID,
      text: `t${token.id}`
    }))
  }));
  expect(ngramTriggers(samples).triggers[0].texts).toEqual(['t1', 't2']);
});

it('sees no sequence in tokens that a sample left out', () => {
  const samples = planted().map(sample => ({
    ...sample,
    tokens: sample.tokens.map(token => ({
      ...token,
      position: 2 * token.position
    }))
  }));
  expect(ngramTriggers(samples).toJSON().sequences).toBe(0);
});

it('finds none in copies of one text', () => {
  const [one] = samplesOf(anything, { samples: 1 });
  const copies = Array.from({ length: 60 }, () => one);
  expect(ngramTriggers(copies).triggers).toEqual([]);
  expect(
    ngramTriggers([one, ...samplesOf(anything, { samples: 9 })]).triggers
  ).toEqual([]);
});

it('is a document, a text and a picture', () => {
  const found = ngramTriggers({ samples: planted(), model: 'made' });
  expect(found.toJSON()).toMatchObject({
    schema: 'moe-debugger/triggers@1',
    model: 'made',
    texts: 60,
    tokens: 3000
  });
  expect(found.toString()).toMatch(
    /^made: sequences of 2 tokens that trigger an expert, \d found.*\n1 2 > layer 3 expert [46] +\d+ % of 60 texts/
  );
  const [first] = (
    found.spec as unknown as {
      data: { values: { name: string; rate: number }[] };
    }
  ).data.values;
  expect(first.name).toMatch(/^1 2 > layer 3 expert [46]$/);
  expect(first.rate).toBe(found.triggers[0].selected / 60);
});

it.each([
  [{ n: 1 }, /a sequence cannot have 1 tokens/],
  [{ n: 2.5 }, /a sequence cannot have 2.5 tokens/],
  [{ significance: 0 }, /significance cannot be 0/]
])('refuses %j', (options, message) => {
  expect(() => ngramTriggers(planted(2), options)).toThrow(message);
});

it.each([
  ['nothing', undefined],
  ['a text', 'text'],
  ['pairs of samples', [{ original: 1, variant: 2 }]],
  ['an object without samples', {}]
])('refuses %s', (_, input) => {
  expect(() => ngramTriggers(input as never)).toThrow(
    expect.objectContaining({ code: 'input', where: 'ngramTriggers' })
  );
});

it('refuses a trace without samples, and unknown tokens', () => {
  expect(() => ngramTriggers([])).toThrow(/the trace has no samples/);
  const unknown = samplesOf(anything).map(sample => ({
    ...sample,
    tokens: sample.tokens.map(({ position }) => ({ position, id: NO_TOKEN_ID }))
  }));
  expect(() => ngramTriggers(unknown)).toThrow(
    /the tokens of the trace are unknown/
  );
});

describe('samples of different layers', () => {
  /** Layer 1 of every sample has the planted sequence; layer 0, which always selects the same experts, is in every second. */
  const mixed = (texts: number): RoutingSample[] =>
    planted(texts).map((sample, s) => {
      const [layer] = sample.layers;
      const fixed = {
        ...layer,
        layer: 0,
        selected: layer.selected.map((_, slot) => slot % 2)
      };
      return {
        ...sample,
        layers: [...(s % 2 === 0 ? [fixed] : []), { ...layer, layer: 1 }]
      };
    });

  it('are matched by layer', () => {
    const { triggers } = ngramTriggers(mixed(60));
    const alone = ngramTriggers(
      planted(60).map(sample => ({
        ...sample,
        layers: [{ ...sample.layers[0], layer: 1 }]
      }))
    );
    expect(triggers.every(({ layer }) => layer === 1)).toBe(true);
    expect(
      triggers.map(({ layer, expert, ids, rate, otherwise, seen }) => ({
        ...{ layer, expert, ids, rate, otherwise, seen }
      }))
    ).toEqual(
      alone.triggers.map(({ layer, expert, ids, rate, otherwise, seen }) => ({
        ...{ layer, expert, ids, rate, otherwise, seen }
      }))
    );
    expect(triggers.length).toBeGreaterThan(0);
  });

  it('are matched by module and stack too', () => {
    const both = planted(60).map((sample, s) => {
      const [layer] = sample.layers;
      const other = {
        ...layer,
        module: 'attention',
        selected: layer.selected.map((_, slot) => slot % 2)
      };
      const own = { ...layer, module: 'mlp' };
      return { ...sample, layers: s % 2 === 0 ? [other, own] : [own, other] };
    });
    const { triggers } = ngramTriggers(both);
    expect(triggers.map(({ module }) => module)).toEqual(
      ngramTriggers(planted(60)).triggers.map(() => 'mlp')
    );
    expect(triggers.length).toBeGreaterThan(0);
  });

  it('count the texts of each router: one in too few texts is not tested', () => {
    // 30 texts have the sequence; layer 3 is recorded in 6 of them, layer 4 in all.
    const samples = planted(30).map((sample, s) => {
      const [layer] = sample.layers;
      return {
        ...sample,
        layers: [...(s < 6 ? [layer] : []), { ...layer, layer: 4 }]
      };
    });
    const { triggers } = ngramTriggers(samples);
    const wanted = triggers.filter(({ ids }) => ids.join() === '1,2');
    expect(wanted.map(({ layer, seen }) => [layer, seen])).toEqual([
      [4, 30],
      [4, 30]
    ]);
    // Layer 3 in 20 of them has a rate and a number of its own.
    const more = planted(30).map((sample, s) => ({
      ...sample,
      layers: [
        ...(s < 20 ? sample.layers : []),
        { ...sample.layers[0], layer: 4 }
      ]
    }));
    const own = ngramTriggers(more).triggers.filter(
      ({ ids, expert }) => ids.join() === '1,2' && expert === 6
    );
    expect(
      own.map(({ layer, seen, rate }) => [layer, seen, rate]).sort()
    ).toEqual([
      [3, 20, 1],
      [4, 30, 1]
    ]);
  });
});

it('names the edits of a trace, and a file without a hash', () => {
  const { notes } = ngramTriggers({
    samples: planted(),
    integrity: 'unverified',
    edits: [{ kind: 'topK', layer: 3, k: 1 }]
  });
  expect(notes).toEqual([
    expect.stringMatching(/^unverified: the trace file/) as string,
    'the model had 1 edit: top-1 of layer 3'
  ]);
});
