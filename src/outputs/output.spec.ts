import {
  encodeSample,
  toolDocument,
  type LensState,
  type View
} from 'moe-debugger/protocol';
import { testContext } from '../testing/context';
import { sample, view } from '../testing/documents';
import { FakeLink } from '../testing/fake-link';
import { act } from '../testing/react';
import { Output } from './output';

const LENS: LensState = {
  running: false,
  prompt: 'a b',
  lens: null,
  done: 0,
  total: 0,
  refusal: null
};

const routing = (more: Partial<View> = {}) => ({
  ...view([sample('a')], more),
  samples: [encodeSample(sample('a'))]
});

function setUp() {
  const context = testContext();
  const stored: unknown[][] = [];
  const output = new Output({
    context,
    store: (...parameters) => stored.push(parameters)
  });
  return { context, output, stored };
}

const classes = ({ node }: Output) =>
  ['moe-RoutingView', 'moe-ToolFrame', 'moe-ErrorBox'].filter(
    name => node.querySelector(`.${name}`) !== null
  );

describe('Output', () => {
  it('draws a routing view, then a tool in its place, in a page without JupyterLab', async () => {
    const { output } = setUp();
    await act(() => output.draw(routing()));
    expect(classes(output)).toEqual(['moe-RoutingView']);
    expect(output.node.textContent).toContain('demo');
    expect(output.node.textContent).toContain('3 tokens');
    await act(() => output.draw(toolDocument('lens', 'demo', LENS)));
    expect(classes(output)).toEqual(['moe-ToolFrame']);
    act(() => output.dispose());
    expect(classes(output)).toEqual([]);
  });

  it('says why a document cannot be drawn', async () => {
    const { output } = setUp();
    await act(() => output.draw({ version: 1, view: 'explorer' }));
    expect(classes(output)).toEqual(['moe-ErrorBox']);
    await act(() => output.draw(toolDocument('lens', 'demo', {})));
    expect(classes(output)).toEqual(['moe-ErrorBox']);
    expect(output.node.textContent).toContain('This output cannot be shown.');
    await act(() => output.draw(routing()));
    expect(classes(output)).toEqual(['moe-RoutingView']);
  });

  it('shows the last of several documents, whichever is loaded first', async () => {
    const { output } = setUp();
    await act(async () => {
      await Promise.all([
        output.draw(toolDocument('sweep', 'old', {})),
        output.draw(routing()),
        output.draw(toolDocument('lens', 'last', LENS))
      ]);
    });
    expect(classes(output)).toEqual(['moe-ToolFrame']);
    expect(output.node.textContent).toContain('last');
    expect(output.node.textContent).not.toContain('old');
  });

  it('draws nothing after it is disposed', async () => {
    const { output } = setUp();
    await act(async () => {
      const drawn = output.draw(routing());
      output.dispose();
      await drawn;
    });
    expect(classes(output)).toEqual([]);
  });

  it('follows the live tool, and stores its state when it is done', async () => {
    const { context, output, stored } = setUp();
    const link = new FakeLink(LENS);
    context.liveTools.add('w', link);
    await act(() => output.draw(toolDocument('lens', 'demo', LENS, 'w')));
    const frame = output.node.querySelector<HTMLElement>('.moe-ToolFrame')!;
    expect(frame.dataset.moeLive).toBe('true');
    act(() => link.tell({ running: true, prompt: 'c' }));
    expect(stored).toEqual([]);
    act(() => link.tell({ running: false }));
    expect(stored).toEqual([
      [
        toolDocument('lens', 'demo', { ...LENS, prompt: 'c' }, 'w'),
        expect.stringContaining('LayerLens of demo')
      ]
    ]);
  });

  it('stores the selected layer, once the slider rests', async () => {
    jest.useFakeTimers();
    try {
      const { context, output, stored } = setUp();
      const document = routing();
      await act(() => output.draw(document));
      const model = context.views.current!;
      act(() => {
        model.layerIndex = 1;
      });
      expect(stored).toEqual([]);
      jest.advanceTimersByTime(1000);
      expect(stored).toEqual([
        [{ ...document, state: { layerIndex: 1, measure: 'weight' } }]
      ]);
    } finally {
      jest.useRealTimers();
    }
  });
});
