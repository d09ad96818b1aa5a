import { testContext } from '../../testing/context';
import { layer, sample, view } from '../../testing/documents';
import { RoutingModel } from '../model';
import { Heatmap, Viewport } from '.';

function shown(document = view()) {
  const model = new RoutingModel({ view: document });
  const viewport = new Viewport(model, 0);
  const heatmap = new Heatmap({
    model,
    viewport,
    pane: 0,
    size: 'normal',
    trans: testContext().trans
  });
  const key = (name: string, more: KeyboardEventInit = {}) => {
    const event = new KeyboardEvent('keydown', {
      key: name,
      cancelable: true,
      ...more
    });
    heatmap.node.dispatchEvent(event);
    return event.defaultPrevented;
  };
  return { model, viewport, heatmap, key };
}

/** Layers of `tokens` tokens, each of which chooses expert 0 and the one of its position. */
function long(tokens: number, experts = 4) {
  const own = layer(0, {
    experts,
    logits: new Float32Array(0),
    weights: new Float32Array(2 * tokens).fill(0.5),
    selected: Int32Array.from({ length: 2 * tokens }, (_, slot) =>
      slot % 2 === 0 ? 0 : 1 + (((slot - 1) / 2) % (experts - 1))
    )
  });
  return view([
    {
      id: 'long',
      tokens: Array.from({ length: tokens }, (_, position) => ({
        position,
        id: position,
        text: position % 10 === 0 ? ' needle' : ` hay${position}`
      })),
      layers: [own]
    }
  ]);
}

describe('Heatmap', () => {
  it('says what it shows, and how to read it', () => {
    const { model, heatmap } = shown();
    const label = () => heatmap.node.getAttribute('aria-label');
    expect(label()).toContain(
      'Heatmap of layer 0, weight: 3 tokens by 4 experts, top 2.'
    );
    // Of six slots, expert 3 has two and one is dropped.
    expect(heatmap.node.getAttribute('aria-description')).toBe(
      'Most used: expert 3 with 2 selections. Never selected here: 0 experts.'
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
    expect(key('Escape')).toBe(false);
    expect(key('ArrowRight', { ctrlKey: true })).toBe(false);
    expect(key('ArrowRight', { metaKey: true })).toBe(false);
    expect(key('ArrowRight', { altKey: true })).toBe(false);
    expect(at()).toEqual([0, 3]);
    heatmap.dispose();
  });

  it('reads no cell where nothing is drawn yet', () => {
    const { model, heatmap } = shown();
    for (const type of ['pointermove', 'pointerdown', 'pointerleave']) {
      heatmap.node.dispatchEvent(new MouseEvent(type));
    }
    expect(model.cursor).toBeNull();
  });

  it('zooms by keys around the cursor, and shows all again', () => {
    const { viewport, model, key } = shown(long(100));
    model.cursor = { pane: 0, token: 50, expert: 0 };
    expect(viewport.range).toEqual({ from: 0, to: 100 });
    expect(key('+')).toBe(true);
    const { from, to } = viewport.range;
    expect(to - from).toBeCloseTo(100 / 1.5);
    expect((50.5 - from) / (to - from)).toBeCloseTo(0.505);
    key('-');
    expect(viewport.isWhole).toBe(true);
    key('+');
    key('0');
    expect(viewport.isWhole).toBe(true);
  });

  it('zooms to tokens that are chosen by Shift and the arrows', () => {
    const { viewport, model, key } = shown(long(100));
    model.cursor = { pane: 0, token: 20, expert: 0 };
    for (let i = 0; i < 9; i++) {
      key('ArrowRight', { shiftKey: true });
    }
    expect(viewport.chosen).toEqual({ from: 20, to: 30 });
    key('ArrowLeft', { shiftKey: true });
    expect(viewport.chosen).toEqual({ from: 20, to: 29 });
    key('Escape');
    expect(viewport.chosen).toBeUndefined();
    key('ArrowLeft', { shiftKey: true });
    for (let i = 0; i < 8; i++) {
      key('ArrowLeft', { shiftKey: true });
    }
    expect(viewport.chosen).toEqual({ from: 19, to: 29 });
    key('Enter');
    expect(viewport.range).toEqual({ from: 19, to: 29 });
    expect(viewport.chosen).toBeUndefined();
  });

  it('passes the bytes of a character in one step', () => {
    const texts = ['a', '<0xE4>', '<0xBD>', '<0xA0>', 'b'];
    const document = long(5);
    document.samples[0].tokens = texts.map((text, position) => ({
      position,
      id: 9,
      text
    }));
    const { model, key, viewport } = shown(document);
    model.cursor = { pane: 0, token: 0, expert: 0 };
    key('ArrowRight');
    expect(model.cursor).toMatchObject({ token: 1 });
    expect(viewport.character(2)).toEqual({ from: 1, to: 4 });
    key('ArrowRight');
    expect(model.cursor).toMatchObject({ token: 4 });
    key('ArrowLeft');
    expect(model.cursor).toMatchObject({ token: 3 });
    key('ArrowLeft');
    expect(model.cursor).toMatchObject({ token: 0 });
  });

  it('goes through many experts by load, and opens the others below the last', () => {
    const { model, key, viewport } = shown(long(40, 64));
    const { experts, folded } = viewport.rows();
    expect([experts.length, folded]).toEqual([24, 40]);
    model.cursor = { pane: 0, token: 0, expert: experts[23] };
    key('ArrowDown');
    expect(viewport.isOpen).toBe(true);
    expect(viewport.rows().folded).toBe(0);
    key('ArrowDown');
    expect(model.cursor?.expert).toBe(viewport.rows().experts[24]);
  });
});

describe('Viewport', () => {
  it('opens long samples with as many tokens as can be read', () => {
    const { viewport } = shown(long(1000));
    viewport.width = 700;
    expect(viewport.range).toEqual({ from: 0, to: 50 });
    viewport.showAll();
    expect(viewport.isWhole).toBe(true);
    const short = shown(long(100)).viewport;
    short.width = 700;
    expect(short.isWhole).toBe(true);
  });

  it('brings the cursor into view', () => {
    const { viewport, model } = shown(long(1000));
    viewport.width = 700;
    model.cursor = { pane: 0, token: 500, expert: 0 };
    expect(viewport.range).toEqual({ from: 451, to: 501 });
  });

  it('goes through the hits of a search, around the end', () => {
    const { viewport, model } = shown(long(1000));
    viewport.width = 700;
    viewport.query = 'NEEDLE';
    expect(viewport.hits).toHaveLength(100);
    expect(viewport.hit).toBe(-1);
    viewport.range = { from: 495, to: 545 };
    viewport.goToHit(1);
    expect(model.cursor).toMatchObject({ token: 500, expert: 0 });
    viewport.goToHit(-1);
    viewport.goToHit(-1);
    expect(model.cursor).toMatchObject({ token: 480 });
    viewport.query = 'hay999';
    viewport.goToHit(1);
    viewport.goToHit(1);
    expect(model.cursor).toMatchObject({ token: 999 });
    // Another search begins in view, not at the hit of the same number.
    viewport.query = 'needle';
    viewport.range = { from: 0, to: 50 };
    for (let i = 0; i < 5; i++) {
      viewport.goToHit(1);
    }
    expect(model.cursor).toMatchObject({ token: 40 });
    viewport.range = { from: 0, to: 50 };
    viewport.query = 'hay';
    viewport.goToHit(1);
    expect(model.cursor).toMatchObject({ token: 1 });
    viewport.query = 'hay999';
    viewport.goToHit(1);
    viewport.query = 'nothing';
    viewport.goToHit(1);
    expect(viewport.hits).toEqual([]);
    expect(model.cursor).toMatchObject({ token: 999 });
  });

  it('counts what each expert is chosen for, in view and as a whole', () => {
    const { viewport } = shown(long(100));
    expect([...viewport.loads()]).toEqual([100, 34, 33, 33]);
    expect([...viewport.loads({ from: 0, to: 3 })]).toEqual([3, 1, 1, 1]);
  });

  it('shows all of another sample', () => {
    const two = view([...long(100).samples, ...long(60).samples]);
    const { viewport, model } = shown(two);
    viewport.range = { from: 10, to: 30 };
    model.setSampleIndex(0, 1);
    expect(viewport.range).toEqual({ from: 0, to: 60 });
    model.layerIndex = 0;
    viewport.dispose();
    expect(viewport.isDisposed).toBe(true);
  });
});
