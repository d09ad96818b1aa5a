import type { IRenderMime } from '@jupyterlab/rendermime-interfaces';
import { MIME_TYPE, toolDocument } from 'moe-debugger/protocol';
import { testContext } from '../testing/context';
import { FakeLink } from '../testing/fake-link';
import { act } from '../testing/react';
import { rendererFactory } from './renderer';

const LENS = {
  running: false,
  prompt: 'a b',
  lens: null,
  done: 0,
  total: 0,
  refusal: null
};

/** A lens in an output, which the kernel changes once. */
async function changed(mime: Partial<IRenderMime.IMimeModel>): Promise<void> {
  const context = testContext();
  const link = new FakeLink(LENS);
  context.liveTools.add('w', link);
  const renderer = rendererFactory(context).createRenderer({
    mimeType: MIME_TYPE
  } as IRenderMime.IRendererOptions);
  await act(() => renderer.renderModel(mime as IRenderMime.IMimeModel));
  expect(renderer.node.querySelector('.moe-ToolFrame')).not.toBeNull();
  act(() => link.tell({ prompt: 'c' }));
  act(() => renderer.dispose());
  expect(renderer.node.querySelector('.moe-ToolFrame')).toBeNull();
}

const data = {
  [MIME_TYPE]: toolDocument('lens', 'demo', LENS, 'w') as never,
  'text/plain': 'before',
  'image/svg+xml': '<svg/>'
};

describe('the renderer of outputs', () => {
  it('writes the new state of a tool, and its text, into the output', async () => {
    const written: IRenderMime.IMimeModel.ISetDataOptions[] = [];
    await changed({ data, setData: options => written.push(options) });
    expect(written).toEqual([
      {
        data: {
          [MIME_TYPE]: toolDocument(
            'lens',
            'demo',
            { ...LENS, prompt: 'c' },
            'w'
          ),
          'text/plain': expect.stringContaining('LayerLens of demo'),
          'image/svg+xml': '<svg/>'
        }
      }
    ]);
  });

  it('writes nothing if the application has no stored output', async () => {
    await changed({ data });
  });
});
