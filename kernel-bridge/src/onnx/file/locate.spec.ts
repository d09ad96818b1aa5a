import { mkdirSync, realpathSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '../../../test/temporary';
import { locateModel } from './locate';

describe('a model that is not there', () => {
  const before = process.cwd();
  afterEach(() => process.chdir(before));

  it('is searched for in the folders above', () => {
    const root = realpathSync(temporaryFolder());
    mkdirSync(join(root, 'models/demo'), { recursive: true });
    writeFileSync(join(root, 'models/demo/model.onnx'), '');
    mkdirSync(join(root, 'notebooks/drafts'), { recursive: true });
    process.chdir(join(root, 'notebooks/drafts'));
    expect(() => locateModel('models/demo')).toThrow(
      `no such model in ${root}/notebooks/drafts (models/demo): did you mean ../../models/demo?`
    );
    expect(locateModel('../../models/demo').folder).toBe(
      join(root, 'models/demo')
    );
  });

  it('names the folder that was searched', () => {
    const root = realpathSync(temporaryFolder());
    process.chdir(root);
    expect(() => locateModel('no/such-model')).toThrow(
      `no such model in ${root} (no/such-model): give a folder with a .onnx file, or the file itself`
    );
    expect(() => locateModel(join(root, 'gone'))).toThrow(
      `no such model in ${root} (`
    );
  });
});
