import { mkdirSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { tensor } from '../../../test/graph-builder';
import { temporaryFolder } from '../../../test/temporary';
import { checkExternalData, followLinks } from './external-data';

const stored = (entries: Record<string, string>, dims = [10]) => ({
  ...tensor('weights.0', 1, dims),
  dataLocation: 1,
  externalData: Object.entries(entries).map(([key, value]) => ({ key, value }))
});

/** A model's folder with 100 bytes of weights beside the file. */
function folder(): { model: string; at: string } {
  const at = join(temporaryFolder(), 'model');
  mkdirSync(at);
  writeFileSync(join(at, 'model.onnx'), '');
  writeFileSync(join(at, 'weights.bin'), Buffer.alloc(100));
  writeFileSync(join(at, '..', 'outside.bin'), Buffer.alloc(100));
  return { model: join(at, 'model.onnx'), at };
}

const folderOf = (model: string): string => realpathSync(dirname(model));

const refusal = (model: string, what: RegExp) =>
  expect.objectContaining({
    name: 'MoEDebuggerError',
    code: 'external-data',
    where: `${model}, tensor weights.0`,
    message: expect.stringMatching(what) as string
  });

describe('checkExternalData', () => {
  it('lists the files that tensors refer to', () => {
    const { model } = folder();
    const tensors = [
      stored({ location: 'weights.bin', offset: '0', length: '40' }),
      stored({ location: 'weights.bin', offset: '60' }),
      stored({ location: 'weights.bin' }, [25])
    ];
    expect(checkExternalData(tensors, model)).toEqual(
      new Map([
        [
          'weights.bin',
          { path: join(folderOf(model), 'weights.bin'), size: 100 }
        ]
      ])
    );
  });

  it("accepts a file in a subfolder of the model's folder", () => {
    const { model, at } = folder();
    mkdirSync(join(at, 'parts'));
    writeFileSync(join(at, 'parts', '0.bin'), Buffer.alloc(40));
    expect(
      checkExternalData([stored({ location: 'parts/0.bin' })], model).get(
        'parts/0.bin'
      )?.size
    ).toBe(40);
  });

  it.each([
    [
      'an absolute path',
      { location: '/etc/passwd' },
      /outside the model's folder/
    ],
    [
      'a Windows path',
      { location: 'C:\\weights.bin' },
      /outside the model's folder/
    ],
    [
      'a path upwards',
      { location: '../outside.bin' },
      /outside the model's folder/
    ],
    [
      'a path upwards from below',
      { location: 'parts/../../outside.bin' },
      /outside the model's folder/
    ],
    [
      'a path upwards with backslashes',
      { location: '..\\outside.bin' },
      /outside the model's folder/
    ],
    ['no path', {}, /outside the model's folder/],
    ['a NUL', { location: 'weights.bin\0' }, /outside the model's folder/],
    ['a missing file', { location: 'gone.bin' }, /gone.bin is missing/],
    [
      'a truncated file',
      { location: 'weights.bin', offset: '80', length: '40' },
      /bytes 80 to 120 are beyond the end of weights.bin \(100 bytes\)/
    ],
    [
      'a length that its shape contradicts',
      { location: 'weights.bin', length: '44' },
      /44 bytes are stored where its shape needs 40/
    ],
    [
      'a negative offset',
      { location: 'weights.bin', offset: '-4' },
      /beyond the end/
    ],
    [
      'an offset that is not a number',
      { location: 'weights.bin', offset: 'x' },
      /beyond the end/
    ],
    [
      'a negative length',
      { location: 'weights.bin', offset: '40', length: '-40' },
      /stored where its shape needs 40|beyond the end/
    ]
  ])('refuses %s, naming the tensor', (_, entries, what) => {
    const { model } = folder();
    expect(() =>
      checkExternalData([stored(entries as Record<string, string>)], model)
    ).toThrow(refusal(model, what));
  });

  it("refuses links of files and folders that lead out of the model's folder", () => {
    const { model, at } = folder();
    symlinkSync('../outside.bin', join(at, 'linked.bin'));
    symlinkSync('..', join(at, 'up'));
    // Its path begins with that of the model's folder.
    mkdirSync(`${at}-of-another`);
    writeFileSync(join(`${at}-of-another`, 'weights.bin'), Buffer.alloc(100));
    symlinkSync('../model-of-another/weights.bin', join(at, 'beside.bin'));
    expect(() =>
      checkExternalData([stored({ location: 'beside.bin' })], model)
    ).toThrow(refusal(model, /leads out/));
    expect(() =>
      checkExternalData([stored({ location: 'linked.bin' })], model)
    ).toThrow(refusal(model, /leads out/));
    expect(() =>
      checkExternalData([stored({ location: 'up/outside.bin' })], model)
    ).toThrow(refusal(model, /leads out/));
  });

  it('follows links that stay inside', () => {
    const { model, at } = folder();
    symlinkSync('weights.bin', join(at, 'linked.bin'));
    expect(
      checkExternalData([stored({ location: 'linked.bin' })], model).get(
        'linked.bin'
      )?.size
    ).toBe(100);
  });

  it('names the tensor when the weights are a folder', () => {
    const { model, at } = folder();
    mkdirSync(join(at, 'parts'));
    expect(() =>
      checkExternalData([stored({ location: 'parts' })], model)
    ).toThrow(refusal(model, /not a file/));
  });

  it("resolves links of Hugging Face's cache and points onnxruntime at the blobs", () => {
    const repository = join(temporaryFolder(), 'models--org--name');
    const snapshot = join(repository, 'snapshots', 'main');
    mkdirSync(join(repository, 'blobs'), { recursive: true });
    mkdirSync(snapshot, { recursive: true });
    writeFileSync(join(repository, 'blobs', 'a1b2'), Buffer.alloc(40));
    symlinkSync('../../blobs/a1b2', join(snapshot, 'weights.bin'));
    const model = join(snapshot, 'model.onnx');
    const weights = stored({ location: 'weights.bin' });
    const files = checkExternalData([weights], model);
    expect(files.get('weights.bin')?.size).toBe(40);
    expect(followLinks([weights], files, model)).toBe(realpathSync(repository));
    expect(weights.externalData).toEqual([
      { key: 'location', value: 'blobs/a1b2' }
    ]);
  });
});
