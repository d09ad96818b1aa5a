/** What a client hears of a generation while it is written. */
import {
  decodeRows,
  decodeView,
  insertBuffers,
  type Envelope,
  type FromKernel,
  type TraceRows
} from '../../base/protocol';
import { loadModel, type Generation, type MoEModel } from '../..';
import { sessionStore } from '../../api/store';
import { tinyMoE } from '../../../test/tiny-moe';
import { serveClient, type Transport } from './handler';

type Heard = FromKernel & Envelope;

const PROMPT = [3, 17, 4, 29, 11];

class Client {
  readonly heard: { message: Heard; buffers: readonly ArrayBufferView[] }[] =
    [];
  private _listener: (message: unknown) => void = () => undefined;
  private _close: () => void = () => undefined;
  private readonly _transport = {
    closed: false as boolean,
    send: (message: Heard, buffers: readonly ArrayBufferView[]): void => {
      this.heard.push({
        message: JSON.parse(JSON.stringify(message)) as Heard,
        buffers: structuredClone(buffers)
      });
    },
    onMessage: (own: (message: unknown) => void): void => {
      this._listener = own;
    },
    onClose: (own: () => void): void => {
      this._close = own;
    }
  } satisfies Transport;

  constructor() {
    serveClient(this._transport);
  }

  say(message: object): void {
    this._listener(message);
  }

  close(): void {
    this._transport.closed = true;
    this._close();
  }

  of<Type extends Heard['type']>(type: Type): Extract<Heard, { type: Type }>[] {
    return this.heard
      .map(({ message }) => message)
      .filter(
        (message): message is Extract<Heard, { type: Type }> =>
          message.type === type
      );
  }

  /** All rows so far, decoded. */
  get rows(): TraceRows[] {
    return this.heard.flatMap(({ message, buffers }) => {
      if (message.type !== 'rows') {
        return [];
      }
      const rows = structuredClone(message.rows);
      insertBuffers(rows, message.bufferPaths, buffers);
      return [decodeRows(rows)];
    });
  }

  /** The first sample of the last trace that was asked for. */
  get snapshot() {
    const { message, buffers } = this.heard
      .filter(own => own.message.type === 'trace')
      .at(-1)!;
    const { view, bufferPaths } = structuredClone(message) as Extract<
      Heard,
      { type: 'trace' }
    >;
    insertBuffers(view, bufferPaths, buffers);
    return decodeView(view).samples[0];
  }
}

const settled = (): Promise<void> =>
  new Promise(resolve => setTimeout(resolve, 30));

describe('a generation', () => {
  let model: MoEModel;
  let client: Client;

  beforeAll(async () => {
    model = await loadModel(tinyMoE().save());
  });
  afterAll(() => model.dispose());
  beforeEach(() => {
    sessionStore().clear();
    client = new Client();
  });
  afterEach(() => client.close());

  /** Generates, and calls back after a number of tokens. */
  async function generate(
    tokens: number,
    at: Record<number, () => void | Promise<void>> = {}
  ): Promise<Generation> {
    let count = 0;
    return model.generate(PROMPT, {
      maxNewTokens: tokens,
      onToken: async () => {
        await settled();
        await at[++count]?.();
      }
    });
  }

  const running = () =>
    client
      .of('state')
      .at(-1)!
      .traces.filter(trace => trace.running);

  it('is listed while it is written, followed from where a client came in, and complete without a gap', async () => {
    const { trace, tokens } = await generate(12, {
      4: () => {
        const [{ id, coverage }] = running();
        expect(coverage.tokens).toBeGreaterThanOrEqual(5);
        client.say({ type: 'get-trace', request: 1, id, follow: true });
        expect(client.snapshot.tokens).toHaveLength(9);
      }
    });
    await settled();
    const [sample] = trace.samples;
    const { snapshot, rows } = client;
    expect(rows.length).toBeGreaterThan(3);
    expect(rows.map(({ from }) => from)).toEqual(
      rows.map(
        (_, i) =>
          9 +
          rows.slice(0, i).reduce((sum, { tokens: own }) => sum + own.length, 0)
      )
    );
    expect(rows.every(own => own.trace === trace.id)).toBe(true);
    expect([...snapshot.tokens, ...rows.flatMap(own => own.tokens)]).toEqual(
      sample.tokens
    );
    expect(sample.tokens.slice(5)).toEqual(tokens);
    expect(sample.layers).toHaveLength(2);
    sample.layers.forEach((layer, l) => {
      const join = (name: 'selected' | 'weights' | 'logits') => [
        ...snapshot.layers[l][name],
        ...rows.flatMap(own => [...own.layers[l][name]])
      ];
      expect(join('selected')).toEqual([...layer.selected]);
      expect(join('weights')).toEqual([...layer.weights]);
      expect(join('logits')).toEqual([...layer.logits]);
    });
    const [{ steps }] = client.of('trace');
    expect([...steps!, ...rows.flatMap(own => own.steps)]).toEqual(
      trace.steps.get(sample.id)
    );
    // The finished trace has the id of the one that was followed.
    expect(client.of('state').at(-1)!.traces).toMatchObject([{ id: trace.id }]);
    expect(running()).toEqual([]);
  });

  it('is sent within milliseconds of its step', async () => {
    const late: number[] = [];
    await generate(10, {
      1: () => {
        client.say({
          type: 'get-trace',
          request: 1,
          id: running()[0].id,
          follow: true
        });
      },
      2: () => {
        const send = client.heard.push.bind(client.heard);
        client.heard.push = (...heard) => {
          late.push(performance.timeOrigin + performance.now());
          return send(...heard);
        };
      }
    });
    const sent = client.of('rows').slice(-late.length);
    expect(sent.length).toBeGreaterThan(4);
    sent.forEach(({ rows }, i) =>
      expect(late[i] - rows.steps.at(-1)!.timestamp).toBeLessThan(100)
    );
  });

  it('is not sent to a client that does not follow it, or no more', async () => {
    let id = '';
    const count: number[] = [];
    await generate(12, {
      2: () => {
        id = running()[0].id;
        client.say({ type: 'get-trace', request: 1, id });
      },
      4: () => {
        count.push(client.of('rows').length);
        client.say({ type: 'get-trace', request: 2, id, follow: true });
      },
      6: () => {
        count.push(client.of('rows').length);
        client.say({ type: 'unfollow', id });
      },
      8: () => {
        count.push(client.of('rows').length);
        client.say({ type: 'get-trace', request: 3, id, follow: true });
        client.say({ type: 'unsubscribe' });
      }
    });
    await settled();
    expect(count[0]).toBe(0);
    expect(count[1]).toBeGreaterThan(0);
    expect(count[2]).toBe(count[1]);
    expect(client.of('rows')).toHaveLength(count[1]);
  });

  it('waits for a client that does not say what it has drawn', async () => {
    let id = '';
    const count: number[] = [];
    await generate(44, {
      1: () => {
        id = running()[0].id;
        client.say({ type: 'get-trace', request: 1, id, follow: true });
      },
      30: () => {
        count.push(client.of('rows').length);
        client.say({
          type: 'drawn',
          id,
          batch: client.of('rows').at(-1)!.batch
        });
      }
    });
    // 16 messages are not answered; the next one has all that came meanwhile.
    expect(count).toEqual([16]);
    expect(client.rows[16].tokens.length).toBeGreaterThan(10);
  });

  it('is one of several at once', async () => {
    const ids = new Set<string>();
    const run = async (prompt: number[]): Promise<Generation> =>
      model.generate(prompt, {
        maxNewTokens: 8,
        onToken: async () => {
          await settled();
          for (const { id } of running().filter(own => !ids.has(own.id))) {
            ids.add(id);
            client.say({ type: 'get-trace', request: 1, id, follow: true });
          }
        }
      });
    const generations = await Promise.all([run(PROMPT), run([1, 2, 3])]);
    await settled();
    expect([...ids].sort()).toEqual(
      generations.map(({ trace }) => trace.id).sort()
    );
    for (const { trace } of generations) {
      const own = client.rows.filter(rows => rows.trace === trace.id);
      expect(own.length).toBeGreaterThan(2);
      expect(own.at(-1)!.tokens.at(-1)).toEqual(trace.samples[0].tokens.at(-1));
    }
    expect(generations).toHaveLength(2);
  });

  it('is no longer listed when an error ends it', async () => {
    await expect(
      generate(8, {
        3: () => {
          expect(running()).toHaveLength(1);
          throw new Error('on purpose');
        }
      })
    ).rejects.toThrow('on purpose');
    await settled();
    expect(client.of('state').at(-1)!.traces).toEqual([]);
  });

  it('keeps its tokens when it is cancelled', async () => {
    const stop = new AbortController();
    await expect(
      model.generate(PROMPT, {
        maxNewTokens: 30,
        signal: stop.signal,
        onToken: async ({ position }) => {
          await settled();
          if (position === 7) {
            stop.abort();
          }
        }
      })
    ).rejects.toMatchObject({ code: 'cancelled' });
    await settled();
    expect(client.of('state').at(-1)!.traces).toMatchObject([
      { coverage: { tokens: 8 } }
    ]);
    expect(running()).toEqual([]);
  });
});
