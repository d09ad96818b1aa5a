import { basename, join } from 'node:path';
import { statSync } from 'node:fs';
import { GraphBuilder, saveModel } from '../../../test/graph-builder';
import { readModel } from './model';

/** A file of one product with a weight of 3 by 5, and an index that is no parameter. */
function saved(): string {
  const b = new GraphBuilder({ opset: 17 });
  const x = b.input('x', 'float', [2, 3]);
  const product = b.op('MatMul', [x, b.weight([3, 5])]);
  b.output(
    b.op('Gather', [product, b.ints([0])], { axis: 1 }),
    'float',
    [2, 1]
  );
  return saveModel(b.build());
}

describe('readModel', () => {
  it('says what a file is: its name is that of its folder', () => {
    const folder = saved();
    const file = join(folder, 'model.onnx');
    const model = readModel(folder);
    expect(model).toMatchObject({
      name: basename(folder),
      opset: 17,
      parameters: 15,
      bytes: statSync(file).size
    });
    expect(readModel(file).name).toBe(model.name);
    expect(model.fingerprint.split('\n')).toHaveLength(1);
    expect(model.fingerprint).toContain(`${file} ${statSync(file).size} `);
  });
});
