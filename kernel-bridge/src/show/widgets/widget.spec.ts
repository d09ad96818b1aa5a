import { FakeKernel } from '../../../test/fake-kernel';
import {
  installKernel,
  MIMEBUNDLE,
  type JsonObject
} from '../../base/kernel-api';
import { DOMWidget, Widget } from './widget';

describe('Widget', () => {
  it('needs a kernel', () => {
    expect(() => new Widget({ model: 'M' }, {})).toThrow(
      'TypeScript (MoE Debugger)'
    );
  });

  describe('with a kernel', () => {
    const kernel = new FakeKernel();
    beforeAll(() => installKernel(kernel.api));
    beforeEach(() => {
      kernel.opened.length = 0;
      kernel.sent.length = 0;
    });

    it('sends widgets in its state as references, at any depth, and resolves references', async () => {
      const child = new Widget({ model: 'Child' }, {});
      const parent = new Widget<JsonObject>(
        { model: 'Parent' },
        { children: [child], map: { deep: child } }
      );
      expect(kernel.opened[1].data.state).toMatchObject({
        children: [`IPY_MODEL_${child.modelId}`],
        map: { deep: `IPY_MODEL_${child.modelId}` }
      });
      await parent.set({ children: [] });
      await kernel.receive(parent.modelId, {
        method: 'update',
        state: { children: [`IPY_MODEL_${child.modelId}`] },
        buffer_paths: []
      });
      expect(parent.get('children')).toEqual([child]);
    });

    it('moves binary values out of nested state', () => {
      const bytes = new Float32Array([1.5]);
      new Widget({ model: 'M' }, { layers: [{ logits: { data: bytes } }] });
      expect(kernel.opened[0].data.buffer_paths).toEqual([
        ['layers', 0, 'logits', 'data']
      ]);
      expect(kernel.opened[0].buffers).toEqual([bytes]);
    });

    it('notifies observers once per change, until they unsubscribe', async () => {
      const widget = new Widget({ model: 'M' }, { n: 1 });
      const seen: [number, number][] = [];
      const stop = widget.observe(
        'n',
        (value, previous) => void seen.push([value, previous])
      );
      await widget.set({ n: 2 });
      await widget.set({ n: 2 });
      await kernel.receive(widget.modelId, {
        method: 'update',
        state: { n: 3 },
        buffer_paths: []
      });
      stop();
      await widget.set({ n: 4 });
      expect(seen).toEqual([
        [2, 1],
        [3, 2]
      ]);
      expect(kernel.sent.map(({ data }) => data.method)).toEqual([
        'update',
        'echo_update',
        'update'
      ]);
    });

    it('ignores unknown keys', async () => {
      const widget = new Widget<JsonObject>({ model: 'M' }, { n: 1 });
      const state = JSON.parse(
        '{ "toString": 1, "__proto__": { "polluted": 1 }, "other": 1 }'
      ) as object;
      await kernel.receive(widget.modelId, {
        method: 'update',
        state,
        buffer_paths: []
      });
      expect(widget.get('other')).toBeUndefined();
      expect(({} as JsonObject).polluted).toBeUndefined();
      expect(Object.hasOwn(widget.describe().state as object, 'toString')).toBe(
        false
      );
    });

    it('is listed for a reloaded page, until it is closed', async () => {
      const widget = new DOMWidget({ model: 'M', view: 'V' }, {});
      const states = async (): Promise<object> => {
        await kernel.open('jupyter.widget.control', 'control');
        await kernel.receive('control', { method: 'request_states' });
        return kernel.sent[kernel.sent.length - 1].data.states as object;
      };
      expect(Object.keys(await states())).toContain(widget.modelId);
      widget.close();
      expect(Object.keys(await states())).not.toContain(widget.modelId);
    });

    it('shows its view', async () => {
      const widget = new Widget(
        { model: 'ExplorerModel', view: 'ExplorerView' },
        {}
      );
      expect(await widget[MIMEBUNDLE]()).toEqual({
        'text/plain': 'Explorer',
        'application/vnd.jupyter.widget-view+json': {
          version_major: 2,
          version_minor: 0,
          model_id: widget.modelId
        }
      });
    });
  });
});
