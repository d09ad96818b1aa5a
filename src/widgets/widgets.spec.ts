/** Widgets as the widget manager makes them: by name, from a state that the kernel sent. */
import type { DOMWidgetModel, DOMWidgetView } from '@jupyter-widgets/base';
import { Signal } from '@lumino/signaling';
import { encodeSample, type LensState } from 'moe-debugger/protocol';
import { testContext } from '../testing/context';
import { sample, view } from '../testing/documents';
import { act } from '../testing/react';
import { createWidgetClasses } from '.';

const LENS: LensState = {
  running: false,
  prompt: 'a b',
  lens: null,
  done: 0,
  total: 0,
  refusal: null
};

const document = (...ids: string[]) => ({
  ...view(),
  samples: ids.map(id => encodeSample(sample(id)))
});

async function shown(name: 'ModelTool' | 'RoutingExplorer', state: object) {
  const context = testContext();
  const classes = createWidgetClasses(context) as Record<string, unknown>;
  const Model = classes[`${name}Model`] as new (
    state: object,
    options: object
  ) => DOMWidgetModel;
  const View = classes[`${name}View`] as new (options: object) => DOMWidgetView;
  const sent: Record<string, unknown>[] = [];
  const kernel = { disposed: new Signal<object, void>({}) };
  const comm = {
    on_close: () => undefined,
    on_msg: () => undefined,
    send: (data: Record<string, unknown>) => sent.push(data),
    close: () => undefined
  };
  const model = new Model(state, {
    model_id: 'w',
    comm,
    widget_manager: { callbacks: () => ({}), kernel }
  });
  const widget = new View({ model, options: {} });
  await act(async () => widget.render());
  return {
    context,
    model,
    widget,
    sent,
    kernel,
    node: widget.el as HTMLElement,
    frame: () => widget.el.querySelector('.moe-ToolFrame') as HTMLElement
  };
}

describe('tool widget', () => {
  it('draws the tool that the state names, and sends its actions', async () => {
    const { frame, sent } = await shown('ModelTool', {
      tool: 'lens',
      model_name: 'demo',
      ...LENS
    });
    expect(frame().dataset.moeLive).toBe('true');
    expect(frame().textContent).toContain('demo');
    act(() => frame().querySelector('form')!.requestSubmit());
    expect(sent).toEqual([
      { method: 'custom', content: { do: 'read', prompt: 'a b' } }
    ]);
  });

  it('follows the state, and says when no kernel is behind it', async () => {
    const { model, frame, kernel } = await shown('ModelTool', {
      tool: 'lens',
      model_name: 'demo',
      ...LENS
    });
    await act(async () => model.set_state({ prompt: 'c' }));
    expect(frame().querySelector('textarea')!.value).toBe('c');
    act(() => kernel.disposed.emit());
    expect(frame().dataset.moeLive).toBe('false');
    expect(frame().textContent).toContain('No kernel is behind this widget.');
  });

  it.each([
    ['an unknown tool', { tool: 'unheard-of' }, 'has no such tool'],
    [
      'an invalid state',
      { tool: 'lens', ...LENS, running: 7 },
      'is not true or false'
    ]
  ])('says why %s cannot be shown', async (_, state, reason) => {
    const { node } = await shown('ModelTool', state);
    expect(node.textContent).toContain('This widget cannot be shown.');
    expect(node.textContent).toContain(reason);
  });

  it('is known to outputs while it is there', async () => {
    const { context, model, widget } = await shown('ModelTool', {
      tool: 'lens',
      model_name: 'demo',
      ...LENS
    });
    expect(context.liveTools.get('w')!.state).toMatchObject({ prompt: 'a b' });
    await act(async () => {
      widget.remove();
      await model.close();
    });
    expect(context.liveTools.get('w')).toBeUndefined();
  });

  it('draws nothing into a view that was removed while its code was loading', async () => {
    const context = testContext();
    const { ModelToolModel, ModelToolView } = createWidgetClasses(
      context
    ) as unknown as Record<string, new (...options: object[]) => DOMWidgetView>;
    const model = new ModelToolModel(
      { tool: 'lens', model_name: 'demo', ...LENS },
      { model_id: 'w', widget_manager: {} }
    );
    const widget = new ModelToolView({ model, options: {} });
    await act(async () => {
      const rendered = widget.render() as unknown as Promise<void>;
      widget.remove();
      await rendered;
    });
    expect(widget.el.querySelector('.moe-ToolFrame')).toBeNull();
  });
});

describe('explorer widget', () => {
  it('draws the document, and the next one in the same view', async () => {
    const { model, node } = await shown('RoutingExplorer', {
      view_document: document('a')
    });
    expect(node.textContent).toContain('3 tokens');
    const drawn = node.querySelector('.moe-RoutingView');
    await act(async () => model.set_state({ view_document: document('b') }));
    expect(node.querySelector('.moe-RoutingView')).toBe(drawn);
  });

  it('shares layer and measure with the kernel', async () => {
    const { context, model, sent } = await shown('RoutingExplorer', {
      view_document: document('a')
    });
    const live = context.liveModels.get('w')!;
    expect([live.layerIndex, live.measure]).toEqual([0, 'weight']);
    act(() => live.update({ layerIndex: 1, measure: 'probability' }));
    expect(sent.at(-1)).toMatchObject({
      method: 'update',
      state: { layer_index: 1, measure: 'probability' }
    });
    expect([live.layerIndex, live.measure]).toEqual([1, 'probability']);
    // A kernel is not trusted either.
    model.set({ layer_index: 'x', measure: 7 });
    expect([live.layerIndex, live.measure]).toEqual([0, 'weight']);
  });

  it('says that it is drawn elsewhere, or why it cannot be drawn', async () => {
    const empty = await shown('RoutingExplorer', { view_document: null });
    expect(empty.node.textContent).toBe(
      'This explorer is drawn in the output of its own cell.'
    );
    const broken = await shown('RoutingExplorer', {
      view_document: { version: 1 }
    });
    expect(broken.node.textContent).toContain('This widget cannot be shown.');
    await act(async () =>
      broken.model.set_state({ view_document: document('a') })
    );
    expect(broken.node.textContent).not.toContain('cannot be shown');
    expect(broken.node.textContent).toContain('3 tokens');
  });

  it('is forgotten when it is closed, and its view is cleared', async () => {
    const { context, model, widget, node } = await shown('RoutingExplorer', {
      view_document: document('a')
    });
    await act(async () => {
      widget.remove();
      await model.close();
    });
    expect(context.liveModels.get('w')).toBeUndefined();
    expect(context.views.current).toBeNull();
    expect(node.querySelector('.moe-RoutingView')).toBeNull();
  });
});
