import type { RoutingLayer } from '../../src/base/protocol';
import {
  bareTokens,
  refuse,
  type TraceImporter
} from '../../src/files/import/importer';
import { LineReader } from '../../src/files/line-reader';

/** Lines of `{"experts": [[3, 5], [0, 2]]}`: one token each, its experts at every layer. */
export const jsonl: TraceImporter = {
  async *read(path) {
    const reader = new LineReader(path);
    try {
      for (let t = 0; ; t++) {
        const line = await reader.next();
        if (line === undefined) {
          return;
        }
        yield {
          continues: t > 0,
          sample: {
            id: 'jsonl',
            tokens: bareTokens(t, t + 1),
            layers: readLayers(line, path, reader.number)
          }
        };
      }
    } finally {
      reader.close();
    }
  }
};

/** The file is untrusted input: whatever a line holds, it is checked before it is used. */
function readLayers(
  line: Buffer,
  path: string,
  number: number
): RoutingLayer[] {
  const wrong = (): never =>
    refuse(
      'a line holds no experts',
      path,
      `line ${number}`,
      'write {"experts": [[3, 5]]}'
    );
  let rows: unknown;
  try {
    rows = (JSON.parse(line.toString()) as { experts?: unknown } | null)
      ?.experts;
  } catch {
    wrong();
  }
  if (!Array.isArray(rows)) {
    return wrong();
  }
  return rows.map((ids: unknown, layer) => ({
    layer,
    // How many experts there are, only the whole file shows.
    experts: 0,
    topK: Array.isArray(ids) ? ids.length : wrong(),
    score: 'softmax',
    logitsAre: 'logits',
    logits: new Float32Array(),
    selected: Int32Array.from(ids as unknown[], id =>
      Number.isInteger(id) && (id as number) >= 0 ? (id as number) : wrong()
    ),
    // Absent, which is not zero: the file does not have them.
    weights: new Float32Array()
  }));
}
