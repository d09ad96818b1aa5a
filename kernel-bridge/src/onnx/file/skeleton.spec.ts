import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '../../../test/temporary';
import { tinyMoE } from '../../../test/tiny-moe';
import { Engine } from '../../run/engine/engine';
import { externalReference } from './external-data';
import { decodeModelProto } from './schema';
import { readSkeleton } from './skeleton';

/** Hand-written protobuf: a key and a value, or a key, a length and bytes. */
const varint = (value: number): number[] =>
  value < 128
    ? [value]
    : [(value % 128) + 128, ...varint(Math.floor(value / 128))];
const scalar = (field: number, value: number): Buffer =>
  Buffer.from([...varint(field << 3), ...varint(value)]);
const bytes = (field: number, ...parts: Uint8Array[]): Buffer => {
  const content = Buffer.concat(parts);
  return Buffer.concat([
    Buffer.from([...varint((field << 3) | 2), ...varint(content.length)]),
    content
  ]);
};
const text = (field: number, value: string): Buffer =>
  bytes(field, Buffer.from(value));

function file(content: Uint8Array): string {
  const path = join(temporaryFolder(), 'hand.onnx');
  writeFileSync(path, content);
  return path;
}

describe('readSkeleton', () => {
  // TensorProto: dims 1, data_type 2, float_data 4, name 8, raw_data 9. GraphProto: node 1, initializer 5. ModelProto: graph 7.
  const weight = Buffer.alloc(8000, 7);
  const node = bytes(1, text(1, 'x'), text(2, 'y'), text(4, 'Relu'));

  it('replaces large tensors by references to their bytes in the same file', () => {
    const small = bytes(
      5,
      scalar(1, 2),
      scalar(2, 1),
      text(8, 'small'),
      bytes(9, Buffer.alloc(8, 1))
    );
    const large = bytes(
      5,
      scalar(1, 2000),
      scalar(2, 1),
      text(8, 'large'),
      bytes(9, weight)
    );
    const content = Buffer.concat([scalar(1, 8), bytes(7, node, small, large)]);
    const path = file(content);
    const { graph, irVersion } = decodeModelProto(readSkeleton(path));
    expect(Number(irVersion)).toBe(8);
    expect(graph!.node.map(({ opType }) => opType)).toEqual(['Relu']);
    const [first, second] = graph!.initializer;
    expect([...first.rawData!]).toEqual([1, 1, 1, 1, 1, 1, 1, 1]);
    expect(second.rawData ?? []).toHaveLength(0);
    expect(second.dims.map(Number)).toEqual([2000]);
    const { location, offset, length } = externalReference(second);
    expect(location).toBe('hand.onnx');
    expect(content.subarray(offset, offset + length!)).toEqual(weight);
  });

  it('refers to packed floats as to raw data', () => {
    const large = bytes(
      5,
      scalar(1, 2000),
      scalar(2, 1),
      text(8, 'typed'),
      bytes(4, weight)
    );
    const content = Buffer.concat([bytes(7, node, large)]);
    const [tensor] = decodeModelProto(readSkeleton(file(content))).graph!
      .initializer;
    expect(tensor.floatData).toEqual([]);
    const { offset, length } = externalReference(tensor);
    expect(content.subarray(offset, offset + length!)).toEqual(weight);
  });

  it('replaces tensors of Constant nodes and of subgraphs', () => {
    const tensor = Buffer.concat([
      scalar(1, 2000),
      scalar(2, 1),
      bytes(9, weight)
    ]);
    const constant = bytes(
      1,
      text(2, 'c'),
      text(4, 'Constant'),
      bytes(5, text(1, 'value'), bytes(5, tensor), scalar(20, 4))
    );
    const body = bytes(
      1,
      text(2, 'z'),
      text(4, 'If'),
      bytes(5, text(1, 'then_branch'), bytes(6, constant), scalar(20, 5))
    );
    const { graph } = decodeModelProto(
      readSkeleton(file(bytes(7, constant, body)))
    );
    const outer = graph!.node[0].attribute[0].t!;
    const inner = graph!.node[1].attribute[0].g!.node[0].attribute[0].t!;
    for (const found of [outer, inner]) {
      expect(externalReference(found).length).toBe(8000);
    }
    expect(externalReference(inner).offset).toBeGreaterThan(
      externalReference(outer).offset
    );
  });

  it('keeps unknown fields', () => {
    const content = Buffer.concat([
      bytes(7, node),
      text(999, 'from the future')
    ]);
    expect(readSkeleton(file(content))).toEqual(content);
  });

  it('computes what the original file computes, bit for bit', async () => {
    const folder = tinyMoE({
      hidden: 64,
      intermediate: 96,
      vocabulary: 300
    }).save();
    const path = join(folder, 'model.onnx');
    const skeleton = readSkeleton(path);
    expect(skeleton.length).toBeLessThan(readFileSync(path).length / 10);
    const engine = new Engine();
    const feeds = {
      input_ids: {
        type: 'int64' as const,
        dims: [1, 6],
        data: BigInt64Array.of(3n, 1n, 4n, 1n, 5n, 9n)
      }
    };
    const [whole, without] = await Promise.all([
      engine.createSession({ path, folder }),
      engine.createSession({ bytes: skeleton, folder })
    ]);
    const expected = (await whole.run(feeds, ['logits'])).outputs.logits;
    const actual = (await without.run(feeds, ['logits'])).outputs.logits;
    expect(expected.dims).toEqual([1, 6, 300]);
    expect(Buffer.from(actual.data.buffer)).toEqual(
      Buffer.from(expected.data.buffer)
    );
    await engine.dispose();
  });

  it.each([
    ['an empty length', Buffer.from([0x3a])],
    ['a length beyond the end', Buffer.from([0x3a, 0xff, 0xff, 0x03, 0x00])],
    ['a varint that never ends', Buffer.alloc(40, 0xff)],
    ['field number 0', Buffer.from([0x02, 0x01, 0x00])],
    ['a group', Buffer.from([0x3b, 0x3c])]
  ])('names the file for %s', (_, content) => {
    const path = file(content);
    expect(() => readSkeleton(path)).toThrow(
      expect.objectContaining({
        name: 'MoEDebuggerError',
        code: 'model-invalid',
        where: path
      })
    );
  });

  it('refuses subgraphs that are nested too deeply', () => {
    let nested: Buffer = Buffer.alloc(5000);
    for (let depth = 0; depth < 100; depth++) {
      nested = bytes(1, text(4, 'If'), bytes(5, bytes(6, nested)));
    }
    expect(() => readSkeleton(file(bytes(7, nested)))).toThrow(
      /nested too deeply|ends or breaks/
    );
  });
});
