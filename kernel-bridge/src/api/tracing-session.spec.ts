import { tinyMoE } from '../../test/tiny-moe';
import { loadModel } from './load-model';
import type { MoEModel } from './moe-model';

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
});
