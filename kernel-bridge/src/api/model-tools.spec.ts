import { tinyMoE } from '../../test/tiny-moe';
import { loadModel } from './load-model';
import type { MoEModel } from './moe-model';

const TOOLS = [
  ['experts', 'experts', 'MOE_DEP0001'],
  ['lens', 'layerLens', 'MOE_DEP0002'],
  ['steering', 'steering', 'MOE_DEP0003'],
  ['sweep', 'sweepView', 'MOE_DEP0004'],
  ['attribution', 'tokenAttribution', 'MOE_DEP0005'],
  ['circuit', 'circuitView', 'MOE_DEP0006']
] as const;

describe('model.tools', () => {
  let model: MoEModel;

  beforeAll(async () => {
    model = await loadModel(tinyMoE().save());
  });
  afterAll(() => model.dispose());

  it.each(TOOLS)(
    '%s is also model.%s(), which warns once',
    (name, old, code) => {
      const warn = jest.spyOn(process, 'emitWarning').mockImplementation();
      try {
        const tool = model.tools[name]();
        expect(tool.name).toBe(name);
        expect(warn).not.toHaveBeenCalled();

        expect(model[old]()).toBeInstanceOf(tool.constructor);
        model[old]();
        expect(warn.mock.calls).toEqual([
          [
            `model.${old}() is deprecated: use model.tools.${name}()`,
            { type: 'DeprecationWarning', code }
          ]
        ]);
      } finally {
        warn.mockRestore();
      }
    }
  );

  it('refuses a model that was disposed', async () => {
    const gone = await loadModel(tinyMoE().save());
    await gone.dispose();
    expect(() => gone.tools.lens()).toThrow(
      expect.objectContaining({ code: 'input' })
    );
  });
});
