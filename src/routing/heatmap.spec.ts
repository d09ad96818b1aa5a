import { testContext } from '../testing/context';
import { layer, sample, view } from '../testing/documents';
import { Heatmap } from './heatmap';
import { LoadBars } from './load-bars';
import { RoutingModel } from './model';

function shown(document = view()) {
  const model = new RoutingModel({ view: document });
  const heatmap = new Heatmap({ model, pane: 0, trans: testContext().trans });
  const key = (name: string, more: KeyboardEventInit = {}) => {
    const event = new KeyboardEvent('keydown', {
      key: name,
      cancelable: true,
      ...more
    });
    heatmap.node.dispatchEvent(event);
    return event.defaultPrevented;
  };
  return { model, heatmap, key };
}

describe('Heatmap', () => {
  it('says what it shows, and how to read it', () => {
    const { model, heatmap } = shown();
    const label = () => heatmap.node.getAttribute('aria-label');
    expect(label()).toContain(
      'Heatmap of layer 0, weight: 3 tokens by 4 experts, top 2.'
    );
    model.measure = 'probability';
    model.layerIndex = 1;
    heatmap.redraw();
    expect(label()).toContain('Heatmap of layer 2, probability');
  });

  it('has its cursor at the first selected expert when it gets the focus', () => {
    const { model, heatmap } = shown();
    expect(model.cursor).toBeNull();
    heatmap.node.dispatchEvent(new Event('focus'));
    expect(model.cursor).toEqual({ pane: 0, token: 0, expert: 0 });
    const dropped = layer(0, {
      selected: Int32Array.of(-1, 3, 3, 2, 1, -1)
    });
    const other = shown(view([sample('a', [dropped])]));
    other.heatmap.node.dispatchEvent(new Event('focus'));
    expect(other.model.cursor?.expert).toBe(0);
  });

  it('moves the cursor by keys within the cells, and changes the layer', () => {
    const { model, heatmap, key } = shown();
    expect(key('ArrowRight')).toBe(false);
    heatmap.node.dispatchEvent(new Event('focus'));
    const at = () => [model.cursor!.token, model.cursor!.expert];
    const moved = (name: string, more?: KeyboardEventInit) => {
      expect(key(name, more)).toBe(true);
      return at();
    };
    expect(moved('ArrowRight')).toEqual([1, 0]);
    expect(moved('ArrowDown')).toEqual([1, 1]);
    expect(moved('ArrowLeft')).toEqual([0, 1]);
    expect(moved('ArrowUp')).toEqual([0, 0]);
    expect(moved('ArrowUp')).toEqual([0, 0]);
    expect(moved('ArrowLeft')).toEqual([0, 0]);
    expect(moved('ArrowDown', { shiftKey: true })).toEqual([0, 3]);
    expect(moved('End')).toEqual([2, 3]);
    expect(moved('ArrowRight')).toEqual([2, 3]);
    expect(moved('Home')).toEqual([0, 3]);
    expect(moved('PageDown')).toEqual([0, 3]);
    expect(model.layerIndex).toBe(1);
    moved('PageUp');
    expect(model.layerIndex).toBe(0);
    expect(key('x')).toBe(false);
    expect(key('ArrowRight', { ctrlKey: true })).toBe(false);
    expect(key('ArrowRight', { metaKey: true })).toBe(false);
    expect(key('ArrowRight', { altKey: true })).toBe(false);
    expect(at()).toEqual([0, 3]);
    heatmap.dispose();
  });

  it('reads no cell where no chart is drawn yet', () => {
    const { model, heatmap } = shown();
    for (const type of ['pointermove', 'pointerdown', 'pointerleave']) {
      heatmap.node.dispatchEvent(new MouseEvent(type));
    }
    expect(model.cursor).toBeNull();
  });
});

describe('LoadBars', () => {
  it('say in words what they draw', () => {
    const model = new RoutingModel({ view: view() });
    const bars = new LoadBars({ model, pane: 0, trans: testContext().trans });
    bars.redraw();
    // Of six slots, expert 3 has two and one is dropped.
    expect(bars.node.getAttribute('aria-label')).toBe(
      'Token rate of 4 experts, the share of tokens that select each. Most used: expert 3 with 2 selections. Never selected here: 0 experts. The dashed line is the uniform rate 2/4.'
    );
    bars.dispose();
  });
});
