import { testContext } from '../testing/context';
import { layer, sample, view } from '../testing/documents';
import { act } from '../testing/react';
import { RoutingModel } from './model';
import { RoutingView } from './view';

function shown(document = view()) {
  const context = testContext();
  const model = new RoutingModel({ view: document });
  let drawing!: RoutingView;
  act(() => {
    drawing = new RoutingView({ model, context });
  });
  const { node } = drawing;
  return {
    context,
    model,
    drawing,
    node,
    part: (name: string) =>
      [...node.querySelectorAll<HTMLElement>(`.moe-${name}`)].filter(
        own => !own.closest('[hidden]')
      )
  };
}

const texts = (nodes: readonly HTMLElement[]) =>
  nodes.map(({ textContent }) => textContent);

describe('RoutingView', () => {
  it('shows a sample with its tokens, its charts and what was captured, in any element', () => {
    const { part } = shown();
    expect(texts(part('RoutingView-title'))).toEqual(['demo']);
    expect(part('RoutingPane')).toHaveLength(1);
    expect(part('RoutingPane-title')).toEqual([]);
    expect(texts(part('TokenStrip-token'))).toEqual(['def', '·f', '↵']);
    expect(part('Heatmap')).toHaveLength(1);
    expect(part('HeatmapTools')).toHaveLength(1);
    expect(part('RoutingTable')).toEqual([]);
    expect(texts(part('RoutingView-coverage'))[0]).toContain(
      '2 MoE layers, 3 tokens'
    );
  });

  it('shows two samples of a comparison, of which one lacks the layer', () => {
    const { model, part } = shown(
      view([sample('a'), sample('b', [layer(0)])], { view: 'comparison' })
    );
    expect(texts(part('RoutingPane-title'))).toEqual(['A · a', 'B · b']);
    expect(part('Heatmap')).toHaveLength(2);
    act(() => {
      model.layerIndex = 1;
      model.setView(model.view);
    });
    expect(part('Heatmap')).toHaveLength(1);
    expect(texts(part('Message'))).toEqual(['This sample has no such layer.']);
  });

  it('is the view that commands act on once the user works in it, until it is disposed', () => {
    const { context, model, drawing, node } = shown();
    const other = new RoutingModel({ view: view() });
    context.views.add(other);
    context.views.activate(other);
    node.dispatchEvent(new Event('pointerdown'));
    expect(context.views.current).toBe(model);
    act(() => drawing.dispose());
    expect(context.views.current).toBe(other);
  });

  it('has a slider that moves the model, and follows it', () => {
    const { model, node } = shown();
    const slider = node.querySelector<HTMLInputElement>('input[type=range]')!;
    expect([slider.value, slider.max]).toEqual(['0', '1']);
    act(() => {
      model.layerIndex = 1;
    });
    expect(slider.value).toBe('1');
    expect(slider.getAttribute('aria-valuetext')).toBe('layer 2, 2 of 2');
  });
});
