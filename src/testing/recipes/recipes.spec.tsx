/** The page's recipes in CONTRIBUTING.md, compiled and run. recipes.spec.ts of the Node package compares their text. */
import type { DOMWidgetModel, DOMWidgetView } from '@jupyter-widgets/base';
import { Signal } from '@lumino/signaling';
import { Panel, Widget } from '@lumino/widgets';
import type { PanelModel } from '../../panels/model';
import { createSections, type ISection } from '../../panels/section';
import { ToolFrame, type IToolKind } from '../../tools';
import { testContext } from '../context';
import { FakeLink } from '../fake-link';
import { viewContext } from '../fake-source';
import { act, type } from '../react';
import { ReactDrawing } from '../../drawing';
import { Busiest } from './busiest-view';
import { ROWS } from './loads-row';
import { newest } from './newest-panel';
import { createThresholdClasses } from './threshold-slider';

describe('panel', () => {
  it('is a section of the side panel by its row alone', () => {
    const model = {
      changed: new Signal<object, void>({}),
      follower: null
    } as unknown as PanelModel;
    let sections: ISection[] = [];
    act(() => {
      sections = createSections([newest], { model, context: testContext() });
    });
    expect(sections).toMatchObject([
      {
        id: 'newest',
        share: 1,
        isClosed: true,
        widget: { title: expect.objectContaining({ label: 'Newest' }) }
      }
    ]);
  });

  it('follows the models and traces of the kernel', () => {
    const changed = new Signal<object, void>({});
    const follower = {
      models: [] as object[],
      traces: [] as object[]
    };
    const model = { changed, follower } as unknown as PanelModel;
    const panel = new Panel();
    Widget.attach(panel, document.body);
    act(() =>
      panel.addWidget(newest.create({ model, context: testContext() }))
    );
    expect(panel.node.textContent).toBe('No model is loaded.');

    follower.models = [
      { id: 'a', name: 'demo' },
      { id: 'b', name: 'other' }
    ];
    follower.traces = [
      { id: '2', modelId: 'a', label: 'second' },
      { id: '1', modelId: 'a', label: 'first' }
    ];
    act(() => changed.emit());
    expect(
      [...panel.node.querySelectorAll('li')].map(item =>
        [...item.children].map(({ textContent }) => textContent)
      )
    ).toEqual([
      ['demo', 'second'],
      ['other', 'not traced']
    ]);
    act(() => panel.dispose());
  });
});

describe('view', () => {
  it('lists the busiest experts, and shows the tokens of one', async () => {
    const { context, opened } = viewContext();
    const drawing = await act(
      async () => new ReactDrawing(<Busiest context={context} />)
    );
    const buttons = [...drawing.node.querySelectorAll('button')];
    expect(buttons.map(own => own.textContent)).toEqual([
      'layer 0, expert 0',
      'layer 2, expert 0'
    ]);
    act(() => buttons[1].click());
    expect([context.network.filter, opened]).toEqual([
      'expert:2:0',
      ['network']
    ]);
    act(() => drawing.dispose());
  });
});

describe('tool', () => {
  const loaded = {
    running: false,
    prompt: 'def fib',
    loads: [{ layer: 0, tokens: [2, 0, 1] }],
    refusal: null
  };

  let loads: IToolKind;
  beforeAll(async () => {
    loads = (await ROWS.loads.load()).default;
  });

  function shown(state: object): { frame: ToolFrame; link: FakeLink } {
    const link = new FakeLink(state);
    const tool = loads.open({ modelName: 'demo', state });
    tool.model.link = link;
    let frame!: ToolFrame;
    act(() => {
      frame = new ToolFrame({ tool, trans: testContext().trans });
    });
    document.body.append(frame.node);
    return { frame, link };
  }

  it('draws the state, and follows the kernel', () => {
    const { frame, link } = shown(loaded);
    const texts = () =>
      [...frame.node.querySelectorAll('li')].map(item => item.textContent);
    expect(texts()).toEqual(['layer 02 0 1']);
    act(() => link.tell({ loads: null }));
    expect(texts()).toEqual([]);
    expect(frame.node.querySelector('.moe-Message')!.textContent).toBe(
      'Type a prompt above and press Trace.'
    );
  });

  it('asks the kernel, and cancels', () => {
    const { frame, link } = shown(loaded);
    type(frame.node.querySelector('textarea')!, 'a b');
    const click = () =>
      act(() => frame.node.querySelector<HTMLElement>('button')!.click());
    click();
    act(() => link.tell({ running: true }));
    click();
    expect(link.sent).toEqual([
      { do: 'trace', prompt: 'a b' },
      { do: 'cancel' }
    ]);
  });

  it.each([
    [{ ...loaded, loads: 7 }, 'loads is not a list'],
    [
      { ...loaded, loads: [{ layer: 0, tokens: ['<b>'] }] },
      'loads[0].tokens[0] is not a count'
    ]
  ])('refuses the invalid state %#', (state, reason) => {
    expect(() => loads.open({ modelName: 'demo', state })).toThrow(reason);
  });
});

describe('widget', () => {
  /** A slider on the page, and what its model sends to the kernel. */
  function shown(value: unknown): {
    model: DOMWidgetModel;
    slider: HTMLInputElement;
    sent: unknown[];
  } {
    const { ThresholdModel, ThresholdView } = createThresholdClasses(
      testContext()
    ) as unknown as {
      ThresholdModel: new (state: object, options: object) => DOMWidgetModel;
      ThresholdView: new (options: object) => DOMWidgetView;
    };
    const sent: unknown[] = [];
    const comm = {
      on_close: () => undefined,
      on_msg: () => undefined,
      send: (data: unknown) => sent.push(data)
    };
    const model = new ThresholdModel(
      { value },
      { model_id: 'w', comm, widget_manager: { callbacks: () => ({}) } }
    );
    const view = new ThresholdView({ model, options: {} });
    view.render();
    return { model, slider: view.el.querySelector('input')!, sent };
  }

  it('draws the value, and follows the kernel', () => {
    const { model, slider } = shown(0.25);
    expect(slider.valueAsNumber).toBe(0.25);
    model.set_state({ value: 0.75 });
    expect(slider.valueAsNumber).toBe(0.75);
  });

  it('tells the kernel what the user chooses', () => {
    const { slider, sent } = shown(0.25);
    slider.value = '0.5';
    slider.dispatchEvent(new Event('input'));
    expect(sent).toMatchObject([{ method: 'update', state: { value: 0.5 } }]);
  });
});
