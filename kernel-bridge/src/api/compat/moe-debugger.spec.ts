import { tinyMoE } from '../../../test/tiny-moe';
import { loadModel } from '../load-model';
import type { MoEModel } from '../moe-model';
import { MoEDebugger } from './moe-debugger';

const IDS = [3, 17, 4, 29, 11];

describe('MoEDebugger', () => {
  let model: MoEModel;

  beforeAll(async () => {
    model = await loadModel(tinyMoE().save());
  });
  afterAll(() => model.dispose());

  it('gathers what its traces routed', async () => {
    const session = new MoEDebugger(model);
    const id = session.startSession('first');
    const trace = await session.trace([IDS, IDS.slice(0, 3)]);
    const [stats, ...others] = session.getRoutingStats();
    expect(others).toHaveLength(1);
    expect(stats).toMatchObject({
      layerIdx: 0,
      experts: 8,
      topK: 2,
      tokens: 8
    });

    const experts = session.getExpertMetrics(1);
    expect(experts).toHaveLength(8);
    for (const {
      expertIdx,
      activationCount,
      tokenRate,
      sessionId
    } of experts) {
      const selected = trace.samples.reduce(
        (n, { layers }) =>
          n + layers[1].selected.filter(e => e === expertIdx).length,
        0
      );
      expect(activationCount).toBe(selected);
      expect(tokenRate).toBeCloseTo(selected / 8, 12);
      expect(sessionId).toBe(id);
    }
    const [first] = session.getExpertUtilization();
    expect(first.tokenRate.reduce((a, b) => a + b, 0)).toBeCloseTo(2, 12);

    expect(session.endSession()).toMatchObject({
      sessionId: id,
      name: 'first',
      tokens: 8,
      samples: 2,
      events: 16
    });
  });

  it('exports plain data, and forgets on demand', async () => {
    const session = new MoEDebugger(model, { buffer_size: 4 });
    const id = session.startSession();
    await session.trace(IDS);
    const document = session.exportSession();
    expect(document).toMatchObject({
      schema: 'moe-debugger/session@1',
      session: { sessionId: id, tokens: 5, events: 4, eventsSeen: 10 }
    });
    expect(document.events.map(({ layerIdx }) => layerIdx)).toEqual([
      1, 1, 1, 1
    ]);
    expect(JSON.parse(JSON.stringify(document))).toMatchObject({
      expertMetrics: expect.arrayContaining([
        expect.objectContaining({ layerIdx: 1, expertIdx: 7 })
      ])
    });
    session.clearData();
    expect(session.getRoutingStats()).toEqual([]);
    expect(session.traces).toEqual([]);
    expect(session.exportSession().session.sessionId).toBe(id);
  });

  it('measures runs without counting their tokens again', async () => {
    const session = new MoEDebugger(model);
    await session.trace(IDS);
    const measured = await session.profile(IDS, { runs: 2 });
    expect(measured).toHaveLength(2);
    expect(session.getPerformanceMetrics()).toHaveLength(3);
    for (const { tokens, inferenceTime, totalTime } of measured) {
      expect(tokens).toBe(5);
      expect(inferenceTime).toBeGreaterThan(0);
      expect(totalTime).toBeGreaterThanOrEqual(inferenceTime);
    }
    expect(session.getRoutingStats()[0].tokens).toBe(5);
  });

  it('gathers generations, and answers the same question again from its cache', async () => {
    const session = new MoEDebugger(model, { sampling_seed: 3 });
    const first = await session.generate(IDS, { maxNewTokens: 3 });
    expect(session.getRoutingStats()[0].tokens).toBe(8);
    expect(await session.generate(IDS, { maxNewTokens: 3 })).toBe(first);
    expect(session.endSession()!.cache).toMatchObject({ hits: 1, misses: 1 });
    const uncached = new MoEDebugger(model, { cache_limit: 0 });
    const [one, other] = [await uncached.trace(IDS), await uncached.trace(IDS)];
    expect(one.id).not.toBe(other.id);
  });

  it('finds nothing without tokens, and a collapsed router with thresholds that say so', async () => {
    const session = new MoEDebugger(model, {
      duplicate_similarity_threshold: 0
    });
    expect(session.detectIssues()).toEqual([]);
    await session.trace(IDS);
    // With no similarity asked for, all experts are alike.
    const duplicates = session
      .detectIssues()
      .filter(({ kind }) => kind === 'duplicate-experts');
    expect(duplicates.map(({ layerIdx }) => layerIdx)).toEqual([0, 1]);
  });

  it('lets go of the oldest traces over its limit', async () => {
    const session = new MoEDebugger(model, {
      memory_limit: 0.002,
      buffer_size: 0
    });
    // 5 tokens x 2 layers x (8 logits + 2 experts + 2 weights) x 4 bytes = 480 bytes, and as much for tokens and steps.
    const traces = [];
    for (let i = 0; i < 4; i++) {
      traces.push(await session.trace([...IDS.slice(1), i]));
    }
    expect(session.traces.map(({ id }) => id)).toEqual(
      traces.slice(2).map(({ id }) => id)
    );
    expect(session.getRoutingStats()[0].tokens).toBe(20);
    expect(session.endSession()!.memory).toMatchObject({ droppedTraces: 2 });
  });

  it.each([
    [{ sampling_rate: 2 }],
    [{ buffer_size: -1 }],
    [{ memory_limit: 0 }],
    [{ cache_limit: -1 }],
    [{ sampling_seed: 0.5 }],
    [{ dead_expert_treshold: 3 }],
    [{ load_balance_threshold: 7 }]
  ])('refuses %j', settings => {
    expect(() => new MoEDebugger(model, settings as object)).toThrow(
      expect.objectContaining({ code: 'input' })
    );
  });

  it('has nothing to export without a session', () => {
    expect(() => new MoEDebugger(model).exportSession()).toThrow(
      /startSession/
    );
  });
});
