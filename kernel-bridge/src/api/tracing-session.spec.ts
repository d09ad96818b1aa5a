import { tinyMoE } from '../../test/tiny-moe';
import type { Edits } from '../run/edits/edits';
import type { RoutingEvent } from '../run/trace/routing-event';
import type { RoutingTrace } from '../run/trace/routing-trace';
import { loadModel } from './load-model';
import type { MoEModel } from './moe-model';
import { questionKey } from './result-cache';
import { sessionStore } from './store';

const IDS = [3, 17, 4, 29, 11];

describe('model.session()', () => {
  let model: MoEModel;

  beforeAll(async () => {
    model = await loadModel(tinyMoE().save());
  });
  afterAll(() => model.dispose());

  it('gathers what its traces routed, as the traces count it', async () => {
    const session = model.session({ name: 'first', bufferSize: 4 });
    const trace = await session.trace([IDS, IDS.slice(0, 3)]);
    const selected = trace.samples.flatMap(({ layers }) => [
      ...layers[1].selected
    ]);
    expect(
      session.expertMetrics(1).map(({ activationCount }) => activationCount)
    ).toEqual(
      Array.from({ length: 8 }, (_, e) => selected.filter(s => s === e).length)
    );
    expect(session.traces).toEqual([trace]);
    // 8 tokens in 2 layers.
    expect(session.summary).toMatchObject({
      sessionId: session.id,
      name: 'first',
      tokens: 8,
      samples: 2,
      events: 4,
      eventsSeen: 16
    });
    expect(session.toJSON()).toMatchObject({
      schema: 'moe-debugger/session@1',
      session: { sessionId: session.id }
    });
  });

  it('takes no more once it has ended, and still tells', async () => {
    const session = model.session();
    await session.trace(IDS);
    const summary = session.end();
    expect(summary).toMatchObject({ tokens: 5, ended: expect.any(Number) });
    expect(session.end()).toEqual(summary);
    await expect(session.trace(IDS)).rejects.toMatchObject({ code: 'input' });
    await expect(session.profile(IDS)).rejects.toMatchObject({
      code: 'input'
    });
    expect(session.routingStats()[0].tokens).toBe(5);
  });

  it('keeps sessions of one model apart', async () => {
    const [one, other] = [model.session(), model.session()];
    await one.trace(IDS);
    expect(one.id).not.toBe(other.id);
    expect(other.summary.tokens).toBe(0);
    expect(other.routingStats()).toEqual([]);
  });

  it.each([
    [{ samplingRate: 2 }, 'samplingRate'],
    [{ bufferSize: -1 }, 'bufferSize'],
    [{ memoryLimit: 0 }, 'memoryLimit'],
    [{ cacheLimit: -1 }, 'cacheLimit'],
    [{ samplingSeed: -1 }, 'samplingSeed'],
    [{ buffer_size: 4 }, 'buffer_size'],
    [{ thresholds: { dead_expert_treshold: 3 } }, 'dead_expert_treshold']
  ])('refuses %j by name', (options, name) => {
    expect(() => model.session(options as object)).toThrow(
      expect.objectContaining({
        code: 'input',
        message: expect.stringContaining(name)
      })
    );
  });

  describe('generate', () => {
    it('gathers what a generation routed, prompt and new tokens', async () => {
      const session = model.session();
      const { trace, tokens } = await session.generate(IDS, {
        maxNewTokens: 4
      });
      expect(tokens).toEqual(
        (await model.generate(IDS, { maxNewTokens: 4 })).tokens
      );
      const selected = [...trace.samples[0].layers[1].selected];
      expect(selected).toHaveLength(18);
      expect(
        session.expertMetrics(1).map(({ activationCount }) => activationCount)
      ).toEqual(
        Array.from(
          { length: 8 },
          (_, e) => selected.filter(s => s === e).length
        )
      );
      expect(session.traces).toEqual([trace]);
      // 9 tokens in 2 layers.
      expect(session.summary).toMatchObject({
        tokens: 9,
        tokensRun: 9,
        samples: 1,
        events: 18,
        eventsSeen: 18
      });
      const [performance] = session.performanceMetrics();
      expect(performance).toMatchObject({
        tokens: 9,
        cached: false,
        prefill: { steps: 1, tokens: 5 },
        decode: { steps: 4, tokens: 4 }
      });
      expect(performance.prefill.milliseconds).toBeGreaterThan(0);
      expect(performance.decode.tokensPerSecond).toBeGreaterThan(0);
    });

    it('gives each step its own time, and the events as the steps come', async () => {
      const session = model.session();
      const batches: RoutingEvent[][] = [];
      const stop = session.onEvents(events => batches.push([...events]));
      const seenByToken: number[] = [];
      const before = Date.now();
      await session.generate(IDS, {
        maxNewTokens: 3,
        onToken: () => void seenByToken.push(batches.length)
      });
      const after = Date.now();
      stop();
      // The prompt's events are there before its first token, and each token's with the token.
      expect(seenByToken).toEqual([2, 3, 4]);
      expect(batches.map(({ length }) => length)).toEqual([10, 2, 2, 2]);
      expect(
        batches.map(events => [...new Set(events.map(({ phase }) => phase))])
      ).toEqual([['prefill'], ['decode'], ['decode'], ['decode']]);
      const times = batches.map(([{ timestamp }]) => timestamp);
      expect(new Set(times).size).toBe(4);
      expect(times).toEqual([...times].sort((a, b) => a - b));
      // The clock of events counts fractions of a millisecond, Date.now whole ones.
      expect(times[0]).toBeGreaterThanOrEqual(before - 1);
      expect(times[3]).toBeLessThanOrEqual(after + 1);
      const spent = batches.slice(1).map(([{ stepTime }]) => stepTime!);
      spent.forEach((time, i) => {
        expect(time).toBeGreaterThan(0);
        expect(time).toBeLessThanOrEqual(times[i + 1] - times[i] + 0.5);
      });
      expect(spent).toHaveLength(3);
      expect(session.events.map(({ timestamp }) => timestamp)).toEqual(
        batches.flat().map(({ timestamp }) => timestamp)
      );
      await session.generate([7, 8], { maxNewTokens: 1 });
      expect(batches).toHaveLength(4);
    });

    it('keeps the tokens of a cancelled generation, and does not take them for a result', async () => {
      const session = model.session();
      const stop = new AbortController();
      const run = session.generate(IDS, {
        maxNewTokens: 50,
        signal: stop.signal,
        onToken: ({ position }) => {
          if (position === 7) {
            stop.abort();
          }
        }
      });
      await expect(run).rejects.toMatchObject({ code: 'cancelled' });
      // Positions 0 to 4 are the prompt's.
      expect(session.summary).toMatchObject({ tokens: 8, samples: 1 });
      expect(session.traces[0].coverage.tokens).toBe(8);
      const again = await session.generate(IDS, { maxNewTokens: 50 });
      expect(again.tokens).toHaveLength(50);
    });

    it('runs several prompts, with edits', async () => {
      const session = model.session();
      const edits = { ablate: [{ layer: 0, expert: 2 }] };
      const generations = await session.generate([IDS, [5, 6]], {
        maxNewTokens: 2,
        edits
      });
      expect(generations).toHaveLength(2);
      expect(session.traces.map(({ edits: own }) => own.length)).toEqual([
        1, 1
      ]);
      expect(
        session.traces.flatMap(({ samples }) => [
          ...samples[0].layers[0].selected
        ])
      ).not.toContain(2);
    });
  });

  describe('a question that was asked before', () => {
    it('is answered without a run, and counts as one', async () => {
      const session = model.session();
      const [first, second] = [
        await session.trace(IDS),
        await session.trace([...IDS])
      ];
      expect(second).toBe(first);
      const twice = model.session({ cacheLimit: 0 });
      await twice.trace(IDS);
      await twice.trace(IDS);
      expect(session.routingStats()).toEqual(twice.routingStats());
      expect(session.summary).toMatchObject({
        tokens: 10,
        eventsSeen: 20,
        cache: { hits: 1, misses: 1, hitRate: 0.5, entries: 1 }
      });
      expect(twice.summary.cache).toMatchObject({ hits: 0, entries: 0 });
      expect(session.performanceMetrics()).toMatchObject([
        { cached: false },
        { cached: true, inferenceTime: 0, prefill: { steps: 0 } }
      ]);
    });

    it.each<[string, object, object]>([
      ['other edits', {}, { edits: { ablate: [{ layer: 0, expert: 1 }] } }],
      [
        'another value of an edit',
        { edits: { bias: [{ layer: 0, expert: 1, value: 1 }] } },
        { edits: { bias: [{ layer: 0, expert: 1, value: 2 }] } }
      ],
      ['other logits', { logits: 'last' }, { logits: 'all' }]
    ])('is another one with %s', async (_, one, other) => {
      const session = model.session();
      const first = await session.trace(IDS, one);
      expect(await session.trace(IDS, other)).not.toBe(first);
      expect(await session.trace(IDS, one)).toBe(first);
      expect(session.summary.cache).toMatchObject({ hits: 1, misses: 2 });
    });

    it('is another one with a steering vector that differs in one number', async () => {
      const question = (value: number) =>
        questionKey({ steer: [{ vector: Float32Array.of(1, value, 3) }] });
      expect(question(2)).toBe(question(2));
      expect(question(2)).not.toBe(question(2.5));
    });

    it('is run again where chance decides, or where someone watches', async () => {
      const session = model.session();
      const options = { maxNewTokens: 2, temperature: 1 };
      await session.generate(IDS, options);
      await session.generate(IDS, options);
      expect(session.summary.cache).toMatchObject({ hits: 0, entries: 0 });
      const seeded = { ...options, seed: 7 };
      const first = await session.generate(IDS, seeded);
      const tokens: number[] = [];
      await session.generate(IDS, {
        ...seeded,
        onToken: ({ id }) => void tokens.push(id)
      });
      expect(tokens).toEqual(first.tokens.map(({ id }) => id));
      expect(session.summary.cache.hits).toBe(0);
      await session.generate(IDS, seeded);
      expect(session.summary.cache.hits).toBe(1);
    });

    it('is forgotten over the limit of bytes, by clear, and with the model', async () => {
      const other = await loadModel(tinyMoE().save());
      // One trace of five tokens takes about 900 bytes.
      const session = other.session({ cacheLimit: 1000 / 2 ** 20 });
      await session.trace(IDS);
      await session.trace([1, 2, 3, 4, 5]);
      expect(session.summary.cache).toMatchObject({ entries: 1, dropped: 1 });
      expect(session.summary.cache.bytes).toBeLessThanOrEqual(1000);
      await session.trace(IDS);
      expect(session.summary.cache).toMatchObject({ hits: 0, misses: 3 });
      session.clear();
      expect(session.summary.cache).toMatchObject({
        hits: 0,
        misses: 0,
        bytes: 0
      });
      await session.trace(IDS);
      expect(session.summary.cache).toMatchObject({ hits: 0, misses: 1 });
      await other.dispose();
      await expect(session.trace(IDS)).rejects.toMatchObject({
        code: 'input'
      });
    });
  });

  describe('samplingRate', () => {
    const LONG = Array.from({ length: 64 }, (_, i) => (7 * i) % 30);

    it.each<[string, Edits]>([
      ['as it is', {}],
      [
        'with edits of some tokens',
        {
          ablate: [{ layer: 0, expert: 2, tokens: [10, 30] }],
          bias: [{ layer: 1, expert: 4, value: 3, tokens: [20] }]
        }
      ]
    ])('captures a share of the tokens, each %s', async (_, edits) => {
      const whole = await model.with(edits).trace(LONG);
      const session = model.session({ samplingRate: 0.25 });
      const trace = await session.trace(LONG, { edits });
      const positions = trace.samples[0].tokens.map(({ position }) => position);
      expect(positions).toHaveLength(16);
      // Not every fourth one.
      expect(new Set(positions.map(position => position % 4)).size).toBe(4);
      expect(trace.coverage).toMatchObject({ tokens: 16, tokensRun: 64 });
      expect(trace.samples[0].layers).toHaveLength(2);
      trace.samples[0].layers.forEach((layer, l) => {
        const all = whole.samples[0].layers[l];
        for (const [name, width] of [
          ['selected', layer.topK],
          ['weights', layer.topK],
          ['logits', layer.experts]
        ] as const) {
          expect([...layer[name]]).toEqual(
            positions.flatMap(position => [
              ...all[name].subarray(position * width, (position + 1) * width)
            ])
          );
        }
      });
      expect(session.summary).toMatchObject({
        tokens: 16,
        tokensRun: 64,
        events: 32,
        eventsSeen: 32
      });
    });

    it('draws anew for each prompt, and the same with the same seed', async () => {
      const positions = async (samplingSeed: number): Promise<number[][]> => {
        const session = model.session({ samplingRate: 0.25, samplingSeed });
        await session.trace([LONG, LONG]);
        await session.trace([1, ...LONG.slice(1)]);
        return session.traces.flatMap(({ samples }) =>
          samples.map(({ tokens }) => tokens.map(({ position }) => position))
        );
      };
      const first = await positions(1);
      expect(await positions(1)).toEqual(first);
      expect(await positions(2)).not.toEqual(first);
      expect(first).toHaveLength(3);
      expect(new Set(first.map(String)).size).toBe(3);
    });

    it('acts on generations, whose text it does not change', async () => {
      const { tokens } = await model.generate(IDS, { maxNewTokens: 40 });
      const session = model.session({ samplingRate: 0.25 });
      const routed: boolean[] = [];
      const sampled = await session.generate(IDS, {
        maxNewTokens: 40,
        onToken: ({ routing }) => void routed.push(routing.length > 0)
      });
      expect(sampled.tokens).toEqual(tokens);
      const captured = sampled.trace.samples[0].tokens;
      // 45 tokens: 11 strata of four, and a token of the twelfth or none.
      expect([11, 12]).toContain(captured.length);
      expect(captured.filter(({ position }) => position >= 5)).toEqual(
        tokens.filter((_, i) => routed[i])
      );
      expect(sampled.trace.coverage.tokensRun).toBe(45);
      expect(session.summary).toMatchObject({
        tokens: captured.length,
        tokensRun: 45
      });
    });

    it('captures nothing at a rate of 0, and says so', async () => {
      const session = model.session({ samplingRate: 0 });
      const trace = await session.trace(IDS);
      expect(trace.coverage).toMatchObject({ tokens: 0, tokensRun: 5 });
      const { trace: generated } = await session.generate(IDS, {
        maxNewTokens: 3
      });
      expect(generated.coverage).toMatchObject({ tokens: 0, tokensRun: 8 });
      expect(session.summary).toMatchObject({
        tokens: 0,
        tokensRun: 13,
        events: 0
      });
      expect(session.issues()).toEqual([]);
    });

    it('is a setting of single runs too, and refused by name', async () => {
      await expect(
        model.trace(IDS, { sample: { rate: 2 } })
      ).rejects.toMatchObject({ code: 'input', where: 'sample' });
      await expect(
        model.generate(IDS, { sample: { rate: 0.5, seed: -1 } })
      ).rejects.toMatchObject({ code: 'input', where: 'sample' });
    });
  });

  it('keeps to its memory limit, and says what it let go', async () => {
    const session = model.session({ memoryLimit: 0.002, bufferSize: 0 });
    const traces: RoutingTrace[] = [];
    for (let i = 0; i < 4; i++) {
      traces.push(await session.trace([...IDS.slice(1), i]));
    }
    const { memory, cache } = session.summary;
    expect(session.traces.length).toBe(2);
    expect(memory.used).toBeLessThanOrEqual(memory.limit);
    expect(memory).toMatchObject({
      limit: 0.002 * 2 ** 20,
      droppedTraces: 2,
      droppedBytes: memory.used
    });
    expect(cache.entries).toBe(2);
    expect(String(session)).toContain('2 traces dropped over the memory limit');
    // No other list keeps what was dropped.
    expect(sessionStore().trace(traces[0].id)).toBeUndefined();
    expect(sessionStore().trace(traces[3].id)).toBeDefined();
    expect(session.routingStats()[0].tokens).toBe(20);
  });

  it('counts events as memory, and lets the oldest go', async () => {
    const session = model.session({ memoryLimit: 0.002 });
    await session.trace(Array.from({ length: 40 }, (_, i) => i % 30));
    const { memory, events, eventsSeen } = session.summary;
    expect(eventsSeen).toBe(80);
    expect(events).toBeGreaterThan(0);
    expect(events).toBeLessThan(80);
    expect(memory.droppedEvents).toBe(80 - events);
    expect(memory.used).toBeLessThanOrEqual(memory.limit);
    expect(session.events.at(-1)).toMatchObject({
      layerIdx: 1,
      tokenPosition: 39
    });
  });
});
