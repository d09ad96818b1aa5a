import { FakeKernel } from '../../test/fake-kernel';
import { tinyMoE } from '../../test/tiny-moe';
import { loadModel } from '../api/load-model';
import type { MoEModel } from '../api/moe-model';
import {
  currentKernel,
  installKernel,
  type KernelApi
} from '../base/kernel-api';
import { decodeRows, decodeView, insertBuffers } from '../base/protocol';

const PROMPT = [3, 17, 4, 29, 11];

type Sent = FakeKernel['sent'][number];

/** The documents that a widget was given, as the page reads them. */
function documents(sent: readonly Sent[]) {
  return sent
    .filter(({ data }) => data.method === 'update')
    .map(({ data, buffers }) => {
      const state = structuredClone(data.state) as Record<string, unknown>;
      insertBuffers(state, data.buffer_paths, buffers);
      return {
        live: state.live,
        tokens: decodeView(state.view_document).samples[0].tokens.length
      };
    });
}

function rows(sent: readonly Sent[]) {
  return sent
    .filter(({ data }) => data.method === 'custom')
    .map(({ data, buffers }) => {
      const { rows: encoded, bufferPaths } = structuredClone(
        data.content
      ) as Record<string, unknown>;
      insertBuffers(encoded, bufferPaths, buffers);
      return decodeRows(encoded);
    });
}

describe('the explorer of a session', () => {
  const kernel = new FakeKernel();
  const before = currentKernel();
  let model: MoEModel;

  beforeAll(async () => {
    installKernel(kernel.api);
    model = await loadModel(tinyMoE().save());
  });
  afterAll(async () => {
    await model.dispose();
    installKernel(before as KernelApi);
  });
  beforeEach(() => {
    kernel.opened.length = 0;
    kernel.sent.length = 0;
  });

  const settled = (): Promise<void> =>
    new Promise(resolve => setTimeout(resolve, 30));

  it('shows a generation from its first step on, row by row, and whole at its end', async () => {
    const session = model.session();
    session.explorer();
    expect(kernel.opened.at(-1)!.data.state).toMatchObject({
      waits: true,
      live: '',
      view_document: null
    });
    const { trace } = await session.generate(PROMPT, {
      maxNewTokens: 6,
      onToken: settled
    });
    expect(documents(kernel.sent)).toEqual([
      { live: trace.id, tokens: 5 },
      { live: '', tokens: 11 }
    ]);
    const fresh = rows(kernel.sent).flatMap(({ tokens }) => tokens);
    expect(fresh).toEqual(trace.samples[0].tokens.slice(5));
  });

  it('gives a page that came later the whole, and stops when it is closed', async () => {
    const session = model.session();
    const explorer = session.explorer();
    const { commId } = kernel.opened.at(-1)!;
    let count = 0;
    let closedAt = 0;
    await session.generate(PROMPT, {
      maxNewTokens: 8,
      onToken: async () => {
        await settled();
        if (++count === 3) {
          await kernel.receive(commId, {
            method: 'custom',
            content: { type: 'follow' }
          });
        } else if (count === 6) {
          explorer.close();
          closedAt = kernel.sent.length;
        }
      }
    });
    expect(documents(kernel.sent).map(({ tokens }) => tokens)).toEqual([5, 8]);
    expect(rows(kernel.sent).at(-1)!.from).toBeGreaterThanOrEqual(8);
    expect(kernel.sent).toHaveLength(closedAt);
  });

  it('begins with the newest trace, and ignores what it cannot read', async () => {
    const session = model.session();
    await session.trace(PROMPT);
    session.explorer();
    const { commId, data } = kernel.opened.at(-1)!;
    expect(data.state).toMatchObject({ view_document: { model: model.name } });
    for (const content of [
      { type: 'drawn', batch: 'x' },
      { type: 'follow' },
      { type: 'dance' },
      {}
    ]) {
      await kernel.receive(commId, { method: 'custom', content });
    }
    expect(kernel.sent).toEqual([]);
  });
});
