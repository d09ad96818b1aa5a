import type { Contents } from '@jupyterlab/services';
import { starter } from './starter';

/** A server with these files; asking for a folder that does not exist fails the test. */
function server(...files: string[]): Contents.IManager {
  const names = (folder: string): string[] => {
    const prefix = folder === '' ? '' : `${folder}/`;
    const below = files.filter(file => file.startsWith(prefix));
    if (below.length === 0) {
      throw new Error(`404: ${folder}`);
    }
    return below.map(file => file.slice(prefix.length).split('/')[0]);
  };
  return {
    localPath: (path: string) => path.replace(/^RTC:/, ''),
    get: (folder: string) =>
      Promise.resolve({ content: names(folder).map(name => ({ name })) })
  } as unknown as Contents.IManager;
}

const loaded = async (path: string, ...files: string[]) =>
  /loadModel\('(.*)'\)/.exec(await starter(path, server(path, ...files)))?.[1];

describe('starter', () => {
  it('names the demo model by its path from the folder of the notebook', async () => {
    const demo = 'models/demo/model.onnx';
    expect(await loaded('a.ipynb', demo)).toBe('models/demo');
    expect(await loaded('notebooks/a.ipynb', demo)).toBe('../models/demo');
    expect(await loaded('x/y/a.ipynb', demo)).toBe('../../models/demo');
    expect(await loaded('x/y/a.ipynb', `x/${demo}`)).toBe('../models/demo');
    expect(await starter('RTC:a/b.ipynb', server('a/b.ipynb', demo))).toContain(
      "loadModel('../models/demo')"
    );
  });

  it('takes the nearest', async () => {
    const demo = 'models/demo/model.onnx';
    expect(await loaded('x/a.ipynb', demo, `x/${demo}`)).toBe('models/demo');
  });

  it('asks for a folder where there is no demo model', async () => {
    const text = await starter('a/b.ipynb', server('a/b.ipynb'));
    expect(text).toContain('Write the path of your model here');
    expect(text).toContain("loadModel('path/to/your-model')");
    expect(await loaded('b.ipynb', 'models/demo/readme.md')).toBe(
      'path/to/your-model'
    );
    expect(await loaded('b.ipynb', 'models/other/model.onnx')).toBe(
      'path/to/your-model'
    );
  });

  it('asks for a folder where the server refuses to list one', async () => {
    const contents = {
      localPath: (path: string) => path,
      get: () => Promise.reject(new Error('403'))
    } as unknown as Contents.IManager;
    expect(await starter('a.ipynb', contents)).toContain('path/to/your-model');
  });
});
