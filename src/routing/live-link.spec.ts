import { Signal } from '@lumino/signaling';
import type { Measure } from 'moe-debugger/protocol';
import { testContext } from '../testing/context';
import { RoutingModel } from './model';
import { view } from '../testing/documents';
import type { ILiveModel } from '../tokens';
import { LiveLink } from './live-link';

class FakeWidget implements ILiveModel {
  layerIndex = 1;
  measure: Measure = 'probability';
  readonly changed = new Signal<this, void>(this);
  readonly updates: object[] = [];

  update(state: { layerIndex: number; measure: Measure }): void {
    this.updates.push(state);
    Object.assign(this, state);
  }
}

describe('LiveLink', () => {
  const context = () => testContext();

  it('takes the state of a widget that is created later, and sends nothing back', () => {
    const { liveModels } = context();
    const model = new RoutingModel({ view: view() });
    const link = new LiveLink({ id: 'w', model, liveModels });
    const widget = new FakeWidget();
    liveModels.add('other', new FakeWidget());
    expect(model.layerIndex).toBe(0);
    liveModels.add('w', widget);
    expect([model.layerIndex, model.measure]).toEqual([1, 'probability']);
    expect(widget.updates).toEqual([]);
    link.dispose();
  });

  it('synchronises changes in both directions until it is disposed', () => {
    const { liveModels } = context();
    const model = new RoutingModel({ view: view() });
    const widget = new FakeWidget();
    const entry = liveModels.add('w', widget);
    const link = new LiveLink({ id: 'w', model, liveModels });
    model.layerIndex = 0;
    expect(widget.updates).toEqual([{ layerIndex: 0, measure: 'probability' }]);
    widget.layerIndex = 1;
    widget.measure = 'weight';
    widget.changed.emit();
    expect([model.layerIndex, model.measure]).toEqual([1, 'weight']);
    expect(widget.updates).toHaveLength(1);

    entry.dispose();
    model.layerIndex = 0;
    expect(widget.updates).toHaveLength(1);
    link.dispose();
    link.dispose();
  });
});
