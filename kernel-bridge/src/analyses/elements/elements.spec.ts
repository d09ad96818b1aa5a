/** The parts of small models that are written here, and of the demo: every stored parameter is in one part. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { tinyMoE, tinyTwoStacks } from '../../../test/tiny-moe';
import { DEMO } from '../../../test/zoo';
import {
  decodeExpertElement,
  decodeModelElement,
  type ModelElement
} from '../../base/protocol';
import { readStructure } from '../../run/model/structure';
import { expertElement } from './expert-element';
import { modelElements } from './model-elements';

function all(element: ModelElement): ModelElement[] {
  return [element, ...element.children.flatMap(all)];
}

const children = ({ children: own }: ModelElement): number =>
  own.reduce((sum, { parameters }) => sum + parameters, 0);

describe('the parts of a model', () => {
  it('are a tree in which each parameter is once', () => {
    for (const file of [
      tinyMoE({ layers: 2, dense: [0] }).save(),
      tinyTwoStacks({ layers: 2 }).save(),
      DEMO
    ]) {
      const root = modelElements(readStructure(file));
      expect(root.kind).toBe('model');
      for (const own of all(root).filter(part => part.children.length > 0)) {
        expect([own.name, children(own)]).toEqual([own.name, own.parameters]);
      }
      expect(decodeModelElement(JSON.parse(JSON.stringify(root)))).toEqual(
        root
      );
    }
  });

  it('tell a dense layer from a mixture, and name its router', () => {
    const root = modelElements(
      readStructure(tinyMoE({ layers: 2, dense: [0] }).save())
    );
    const layers = root.children.filter(({ kind }) => kind === 'layer');
    expect(layers.map(({ facts }) => facts[0][1])).toEqual([
      'dense',
      'mixture of experts'
    ]);
    const kinds = (layer: ModelElement): string[] =>
      all(layer).map(({ kind }) => kind);
    expect(kinds(layers[0])).not.toContain('moe');
    expect(kinds(layers[1])).toEqual(
      expect.arrayContaining(['attention', 'moe', 'router', 'experts'])
    );
    const router = all(root).find(({ kind }) => kind === 'router')!;
    expect(router).toMatchObject({ router: 0, place: { layer: 1 } });
    expect(router.facts).toContainEqual(['chooses', '2 of 8 experts']);
    // Width times experts.
    expect(router.parameters).toBe(16 * 8);
  });

  it('have the sizes that the demo was trained with', () => {
    // From the configuration that it was exported with, not from the graph.
    const config = JSON.parse(
      readFileSync(join(DEMO, 'config.json'), 'utf8')
    ) as Record<string, number>;
    const root = modelElements(readStructure(DEMO));
    const experts = all(root).filter(({ kind }) => kind === 'experts');
    expect(experts).toHaveLength(config.num_hidden_layers);
    const each = 3 * config.hidden_size * config.intermediate_size;
    for (const own of experts) {
      expect(own.experts).toEqual(
        new Array(config.num_local_experts).fill(each)
      );
      expect(own.stored).toEqual([
        {
          bits: 8,
          quantized: true,
          parameters: each * config.num_local_experts
        }
      ]);
    }
    const [embeddings] = root.children;
    expect(embeddings.name).toBe('embeddings');
    expect(embeddings.parameters).toBe(config.vocab_size * config.hidden_size);
  });

  it('of two stacks are apart', () => {
    const root = modelElements(
      readStructure(tinyTwoStacks({ layers: 2 }).save())
    );
    expect(
      root.children
        .filter(({ kind }) => kind === 'stack')
        .map(({ name }) => name)
    ).toEqual(['encoder', 'decoder']);
  });
});

describe('an expert', () => {
  it('has the weights that the file has', () => {
    const b = tinyMoE({ layers: 1 });
    const own = expertElement(readStructure(b.save()), 0, 3);
    expect(own).toMatchObject({ layer: 0, expert: 3, experts: 8, topK: 2 });
    expect(own.weights.length).toBeGreaterThan(1);
    for (const { tensor, norm, elements, bits, quantized } of own.weights) {
      const stored = b.initializers.find(({ name }) => name === tensor)!;
      const raw = stored.rawData!;
      const values = new Float32Array(
        raw.buffer.slice(raw.byteOffset, raw.byteOffset + raw.byteLength)
      );
      // Of a tensor that stacks all experts, one part.
      const part =
        values.length === elements
          ? values
          : values.subarray(3 * elements, 4 * elements);
      expect(norm).toBeCloseTo(Math.hypot(...part), 4);
      expect([bits, quantized]).toEqual([32, false]);
    }
    expect(own.likeness).toBeNull();
    expect(own.notes.join()).toContain('was not computed');
    expect(decodeExpertElement(JSON.parse(JSON.stringify(own)))).toEqual(own);
  });

  it('is as like its siblings as the survey says', () => {
    const similarity = Float64Array.from({ length: 64 }, (_, i) =>
      i === 3 * 8 + 5 ? NaN : i / 64
    );
    const { likeness, notes } = expertElement(
      readStructure(tinyMoE({ layers: 1 }).save()),
      0,
      3,
      similarity
    );
    expect(likeness).toHaveLength(8);
    expect(likeness![2]).toBe(26 / 64);
    expect(likeness![5]).toBeNull();
    expect(notes).toEqual([]);
  });

  it('that does not exist is refused by name', () => {
    const structure = readStructure(tinyMoE({ layers: 1 }).save());
    expect(() => expertElement(structure, 0, 8)).toThrow(/no expert 8/);
    expect(() => expertElement(structure, 1, 0)).toThrow(
      /no router of index 1/
    );
  });
});
