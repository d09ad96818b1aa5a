import {
  decodeOutline,
  decodeTokenPage,
  decodeView,
  insertBuffers,
  type EncodedView,
  type Envelope,
  type FromKernel
} from '../../base/protocol';
import type { Comm, CommMessage, KernelApi } from '../../base/kernel-api';
import { RoutingTrace } from '../../run/trace/routing-trace';
import { sessionStore } from '../../api/store';
import { serveSessions } from './channel';
import { serveClient, type Transport } from './handler';

type Heard = FromKernel & Envelope;

/** A client, whatever connects it to the kernel. */
interface Client {
  say(message: unknown): void;
  readonly heard: Heard[];
  readonly buffers: (readonly ArrayBufferView[])[];
  close(): void;
}

/** Messages as copies, as any wire makes them. */
function inMemory(): Client {
  const heard: Heard[] = [];
  const buffers: (readonly ArrayBufferView[])[] = [];
  let listener: (message: unknown) => void = () => undefined;
  let ended: () => void = () => undefined;
  const transport = {
    closed: false as boolean,
    send(message: Heard, arrays: readonly ArrayBufferView[]) {
      heard.push(JSON.parse(JSON.stringify(message)) as Heard);
      buffers.push(structuredClone(arrays));
    },
    onMessage: own => (listener = own),
    onClose: own => (ended = own)
  } satisfies Transport;
  serveClient(transport);
  return {
    say: message => listener(structuredClone(message)),
    heard,
    buffers,
    close: () => {
      transport.closed = true;
      ended();
    }
  };
}

function overComm(): Client {
  const heard: Heard[] = [];
  const buffers: (readonly ArrayBufferView[])[] = [];
  let listener: (message: CommMessage) => void = () => undefined;
  let ended: () => void = () => undefined;
  const comm = {
    closed: false,
    send(data: unknown, options?: { buffers?: ArrayBufferView[] }) {
      heard.push(JSON.parse(JSON.stringify(data)) as Heard);
      buffers.push(options?.buffers ?? []);
    },
    onMessage: (own: typeof listener) => (listener = own),
    onClose: (own: typeof ended) => (ended = own)
  };
  const kernel = {
    registerTarget: (_: string, callback: (comm: Comm) => void) =>
      callback(comm as unknown as Comm)
  };
  serveSessions(kernel as unknown as KernelApi);
  return {
    say: data =>
      listener({
        data: data as CommMessage['data'],
        metadata: {},
        buffers: []
      }),
    heard,
    buffers,
    close: () => {
      comm.closed = true;
      ended();
    }
  };
}

const SAMPLE = {
  id: 'a',
  tokens: [{ position: 0, id: 7 }],
  layers: [
    {
      layer: 2,
      experts: 2,
      topK: 1,
      score: 'softmax' as const,
      logitsAre: 'logits' as const,
      logits: Float32Array.of(1, 3),
      selected: Int32Array.of(1),
      weights: Float32Array.of(0.875)
    }
  ]
};

beforeEach(() => {
  sessionStore().clear();
  sessionStore().addTrace(
    new RoutingTrace({
      id: '1',
      model: 'tiny',
      samples: [SAMPLE],
      moeLayers: 1,
      timing: { inference: 0 },
      created: new Date(0)
    }),
    'm',
    'a prompt'
  );
});

const draw = { type: 'draw', request: 5, id: '1', name: 'loads' };
const list = {
  type: 'list-tokens',
  request: 7,
  id: '1',
  filter: 'expert:1',
  order: 'position',
  layerIndex: 0,
  isDescending: false,
  from: 0,
  count: 10
};
const CONVERSATION = [
  { type: 'get-trace', request: 1, id: '1', messageId: 10 },
  { type: 'diagnose', request: 2, id: '1' },
  { ...draw, layerIndex: 0, messageId: 11 },
  { type: 'unsubscribe', messageId: 12 },
  { type: 'subscribe', messageId: 13 },
  { type: 'open-tool', tool: 3, name: 'lens', modelId: 'none', messageId: 14 },
  { type: 'outline', request: 6, id: '1', messageId: 16 },
  { ...list, messageId: 17 },
  { type: 'dance', messageId: 15 }
];

const TRANSPORTS: [name: string, connect: () => Client][] = [
  ['a comm', overComm],
  ['memory', inMemory]
];

describe.each(TRANSPORTS)('a client over %s', (_, connect) => {
  it('is answered, each answer naming its message', () => {
    const client = connect();
    CONVERSATION.forEach(message => client.say(message));
    expect(
      client.heard.map(({ type, messageId, replyTo }) => [
        messageId,
        type,
        replyTo
      ])
    ).toEqual([
      [1, 'hello', undefined],
      [2, 'state', undefined],
      [3, 'trace', 10],
      [4, 'findings', undefined],
      [5, 'figure', 11],
      [6, 'state', 13],
      [7, 'tool-error', 14],
      [8, 'outline', 16],
      [9, 'tokens', 17],
      [10, 'error', 15]
    ]);
    const { view, bufferPaths } = client.heard[2] as unknown as {
      view: EncodedView;
      bufferPaths: unknown;
    };
    insertBuffers(view, bufferPaths, client.buffers[2]);
    expect(decodeView(view).samples).toEqual([SAMPLE]);
    const answer = (index: number): unknown => {
      const { state, bufferPaths } = client.heard[index] as unknown as {
        state: unknown;
        bufferPaths: unknown;
      };
      insertBuffers(state, bufferPaths, client.buffers[index]);
      return state;
    };
    const outline = decodeOutline(answer(7));
    expect([outline.model, outline.tokens]).toEqual(['tiny', 1]);
    expect([...outline.routers[0].counts]).toEqual([0, 1]);
    const page = decodeTokenPage(answer(8));
    expect([page.matches, page.rows[0].id]).toEqual([1, 7]);
    expect([...page.layers[0].weights]).toEqual([0.875]);
    expect([...page.layers[0].margins]).toEqual([2]);
    client.close();
  });

  it('hears nothing after it closed', async () => {
    const client = connect();
    const before = client.heard.length;
    client.close();
    client.say({ type: 'subscribe' });
    sessionStore().setStatus('m', 'running');
    await new Promise(resolve => setImmediate(resolve));
    expect(client.heard).toHaveLength(before);
  });
});

it('says the same over each transport', () => {
  const [first, second] = TRANSPORTS.map(([, connect]) => {
    const client = connect();
    CONVERSATION.forEach(message => client.say(message));
    client.close();
    return client;
  });
  expect(first.heard).toHaveLength(10);
  expect(second.heard).toEqual(first.heard);
  expect(second.buffers.map(list => list.length)).toEqual(
    first.buffers.map(list => list.length)
  );
});

describe('a message that cannot be read', () => {
  const error = (message: RegExp, request?: number): object => ({
    type: 'error',
    ...(request === undefined ? {} : { request }),
    message: expect.stringMatching(message) as string
  });
  const typed = (type: string, id: object, message: RegExp): object => ({
    type,
    ...id,
    message: expect.stringMatching(message) as string
  });
  const cyclic: Record<string, unknown> = { type: 'act', tool: 'x' };
  cyclic.action = cyclic;

  it.each<[unknown, object]>([
    [undefined, error(/the message is not an object/)],
    [null, error(/the message is not an object/)],
    ['subscribe', error(/the message is not an object/)],
    [[{ type: 'subscribe' }], error(/the message is not an object/)],
    [{}, error(/unknown message of type undefined/)],
    [{ type: ['subscribe'] }, error(/unknown message of type object/)],
    [{ type: 'constructor' }, error(/unknown message "constructor"/)],
    [{ type: 'x'.repeat(1e6) }, error(/^unknown message "x{40}"$/)],
    [{ type: 'get-trace', id: '1' }, error(/request is not a count/)],
    [
      { type: 'get-trace', request: 4, id: { toString: 1 } },
      error(/^id is not text/, 4)
    ],
    [
      { type: 'get-trace', request: 4, id: 'x'.repeat(201) },
      error(/id is longer than 200/, 4)
    ],
    [
      { type: 'diagnose', request: 4, id: 1 },
      typed('findings-error', { request: 4 }, /^id is not text/)
    ],
    [
      { type: 'diagnose', request: '4', id: '1' },
      error(/request is not a count/)
    ],
    [
      { ...draw, layerIndex: 0, name: '__proto__' },
      typed('figure-error', { request: 5 }, /no figure "__proto__": update/)
    ],
    [
      { ...draw, layerIndex: 0, name: {} },
      typed('figure-error', { request: 5 }, /name is not one of loads/)
    ],
    [
      { ...draw, layerIndex: 0.5 },
      typed('figure-error', { request: 5 }, /layerIndex is not a count/)
    ],
    [{ ...draw, request: -1, layerIndex: 0 }, error(/request is not a count/)],
    [
      { type: 'outline', request: 6, id: 'gone' },
      typed('outline-error', { request: 6 }, /no longer kept/)
    ],
    [
      { ...list, order: '__proto__' },
      typed('tokens-error', { request: 7 }, /order is not one of position/)
    ],
    [
      { ...list, filter: 'x'.repeat(2001) },
      typed('tokens-error', { request: 7 }, /filter is longer than 2000/)
    ],
    [
      { ...list, count: 1001 },
      typed('tokens-error', { request: 7 }, /count is not a count/)
    ],
    [
      { ...list, from: -1 },
      typed('tokens-error', { request: 7 }, /from is not a count/)
    ],
    [
      { type: 'open-tool', tool: 1, name: 'lens', modelId: 2 },
      typed('tool-error', { tool: 1 }, /modelId is not text/)
    ],
    [
      { type: 'open-tool', tool: NaN, name: 'lens', modelId: 'm' },
      typed('tool-error', { tool: -1 }, /tool is not a count/)
    ],
    [cyclic, typed('tool-error', { tool: -1 }, /tool is not a count/)],
    [
      { type: 'close-tool', tool: 2 ** 53 },
      typed('tool-error', { tool: -1 }, /tool is not a count/)
    ],
    [{ type: 'subscribe', messageId: '7' }, error(/messageId is not a count/)],
    [{ type: 'subscribe', replyTo: -7 }, error(/replyTo is not a count/)]
  ])('is answered by the error of its question: %p', (message, answer) => {
    const client = inMemory();
    client.say(message);
    const { messageId, ...heard } = client.heard.at(-1)!;
    expect([messageId, heard]).toEqual([3, answer]);
    client.close();
  });

  it('does not end the conversation', () => {
    const client = inMemory();
    client.say(null);
    client.say({ type: 'diagnose', request: 8, id: '1' });
    expect(client.heard.at(-1)).toMatchObject({ type: 'findings', request: 8 });
    client.close();
  });
});
