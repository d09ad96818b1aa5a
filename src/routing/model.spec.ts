import { layer, sample, view } from '../testing/documents';
import { RoutingModel } from './model';

describe('RoutingModel', () => {
  let model: RoutingModel;
  afterEach(() => model.dispose());

  it('reads a cell: weight, rank and probability', () => {
    model = new RoutingModel({ view: view() });
    expect(model.read({ pane: 0, token: 0, expert: 3 })).toEqual({
      token: { position: 0, id: 0, text: 'def' },
      expert: 3,
      weight: 0.75,
      rank: 1,
      probability: 0.25
    });
    expect(model.read({ pane: 0, token: 0, expert: 1 })).toMatchObject({
      weight: null,
      rank: null,
      probability: 0.25
    });
    expect(model.read({ pane: 0, token: 3, expert: 0 })).toBeUndefined();
  });

  it('reads a selection whose weight was not recorded', () => {
    model = new RoutingModel({
      view: view([sample('a', [layer(0, { weights: new Float32Array(0) })])])
    });
    expect(model.read({ pane: 0, token: 0, expert: 3 })).toMatchObject({
      weight: null,
      rank: 2
    });
    // Drawn as selected, and nothing else.
    const drawn = [...model.values(0)].filter(value => !Number.isNaN(value));
    expect(drawn).toEqual(Array(5).fill(1));
    expect(model.ceiling).toBe(1);
  });

  it('keeps the layer within the document and says when it changes', () => {
    model = new RoutingModel({ view: view() });
    const changes: string[] = [];
    model.changed.connect((_, change) => changes.push(change));
    model.layerIndex = 7;
    expect(model.layerIndex).toBe(1);
    model.layerIndex = 1;
    model.layerIndex = -3;
    expect(model.layerIndex).toBe(0);
    expect(changes).toEqual(['layer', 'layer']);
  });

  it('shows weights if the logits were left out', () => {
    const bare = layer(0, { logits: new Float32Array(0) });
    model = new RoutingModel({
      view: view([sample('a', [bare])], {
        state: { layerIndex: 0, measure: 'probability' }
      })
    });
    expect(model.measure).toBe('weight');
    model.measure = 'probability';
    expect(model.measure).toBe('weight');
    expect(
      model.read({ pane: 0, token: 0, expert: 0 })?.probability
    ).toBeNull();
  });

  it('has one colour scale for all layers', () => {
    model = new RoutingModel({
      view: view([
        sample('a', [
          layer(0, { weights: new Float32Array(6).fill(0.12) }),
          layer(1, { weights: new Float32Array(6).fill(0.31) })
        ])
      ])
    });
    expect(model.ceiling).toBe(0.4);
    model.layerIndex = 1;
    expect(model.ceiling).toBe(0.4);
  });

  it('compares two samples and lets the slider run over the longer one', () => {
    model = new RoutingModel({
      view: view([sample('a', [layer(0)]), sample('b'), sample('c')], {
        view: 'comparison'
      })
    });
    expect(model.panes).toEqual([0, 1]);
    expect(model.layerCount).toBe(2);
    model.layerIndex = 1;
    expect(model.layer(0)).toBeUndefined();
    expect(model.layer(1)?.layer).toBe(2);
    model.setSampleIndex(1, 0);
    expect(model.layerIndex).toBe(0);
  });

  it('keeps its layer when a new document arrives, if that has it', () => {
    model = new RoutingModel({ view: view() });
    model.layerIndex = 1;
    model.cursor = { pane: 0, token: 2, expert: 1 };
    model.setView(view([sample('b')]));
    expect(model.layerIndex).toBe(1);
    expect(model.cursor).toBeNull();
    model.setView(view([sample('c', [layer(0)])]));
    expect(model.layerIndex).toBe(0);
  });
});
