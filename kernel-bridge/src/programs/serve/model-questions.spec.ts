/** Questions about a model that is really loaded: its parts, its experts, and where its time goes. */
import { tinyMoE } from '../../../test/tiny-moe';
import { loadModel, type MoEModel } from '../..';
import {
  decodeExpertElement,
  decodeModelElement,
  decodeProfile,
  type FromKernel
} from '../../base/protocol';
import { sessionStore } from '../../api/store';
import { serveClient } from './handler';

type Answer = FromKernel & {
  request?: number;
  state?: unknown;
  message?: string;
};

/** Sends messages, and resolves with the answer to one. */
function connected() {
  const heard: Answer[] = [];
  const waiting: (() => void)[] = [];
  let say: (message: unknown) => void = () => undefined;
  let close = (): void => undefined;
  serveClient({
    closed: false,
    send(message) {
      heard.push(JSON.parse(JSON.stringify(message)) as Answer);
      waiting.splice(0).forEach(own => own());
    },
    onMessage: own => (say = own),
    onClose: own => (close = own)
  });
  const answer = async (request: number): Promise<Answer> => {
    for (;;) {
      const found = heard.find(own => own.request === request);
      if (found) {
        return found;
      }
      await new Promise<void>(done => waiting.push(done));
    }
  };
  return {
    say: (message: unknown) => say(message),
    close: () => close(),
    ask: (message: { request: number } & Record<string, unknown>) => {
      say(message);
      return answer(message.request);
    },
    answer
  };
}

describe('a loaded model', () => {
  let model: MoEModel;
  let trace: string;

  beforeAll(async () => {
    sessionStore().clear();
    model = await loadModel(tinyMoE({ layers: 1 }).save());
    trace = (await model.trace([1, 2, 3])).id;
  });

  it('tells its parts, and the weights of an expert with its likeness', async () => {
    const client = connected();
    const { id } = model;
    const elements = await client.ask({
      type: 'elements',
      request: 1,
      id
    });
    expect(elements.type).toBe('model-elements');
    expect(decodeModelElement(elements.state).kind).toBe('model');
    const question = { type: 'expert', id, layerIndex: 0 };
    const expert = await client.ask({ ...question, request: 2, expert: 3 });
    const { likeness, weights } = decodeExpertElement(expert.state);
    // With itself, and with seven others of other weights.
    expect(likeness).toHaveLength(8);
    expect(likeness![3]).toBeCloseTo(1, 6);
    expect(likeness!.filter(own => own! > 0.99)).toHaveLength(1);
    expect(weights.length).toBeGreaterThan(1);
    expect(
      await client.ask({ ...question, request: 3, expert: 9 })
    ).toMatchObject({
      type: 'expert-element-error',
      message: expect.stringContaining('no expert 9') as string
    });
    client.close();
  });

  it('is profiled on a sample of a trace, answers others meanwhile, and stops when it is told', async () => {
    const client = connected();
    const question = { type: 'profile', id: model.id, trace, sample: 0 };
    client.say({ ...question, request: 1 });
    // Not behind the profile, which runs for a while.
    const outline = await client.ask({
      type: 'outline',
      request: 2,
      id: trace
    });
    expect(outline.type).toBe('outline');
    const profiled = await client.answer(1);
    expect(profiled.type).toBe('profile');
    expect(decodeProfile(profiled.state).prefill.tokens).toBe(3);
    client.say({ ...question, request: 3 });
    client.say({ type: 'cancel', request: 3 });
    expect(await client.answer(3)).toMatchObject({
      type: 'profile-error',
      message: expect.stringContaining('cancelled') as string
    });
    client.say({ type: 'cancel', request: 99 });
    expect(
      await client.ask({ ...question, request: 4, sample: 1 })
    ).toMatchObject({
      type: 'profile-error',
      message: expect.stringContaining('no such sample') as string
    });
    client.close();
  }, 30_000);

  it('is asked for nothing after it was disposed of', async () => {
    const client = connected();
    await model.dispose();
    const { id } = model;
    const gone = expect.stringContaining('not loaded any more') as string;
    expect(
      await client.ask({ type: 'elements', request: 1, id })
    ).toMatchObject({ type: 'model-elements-error', message: gone });
    expect(
      await client.ask({
        type: 'profile',
        request: 2,
        id,
        trace,
        sample: 0
      })
    ).toMatchObject({ type: 'profile-error', message: gone });
  });
});
