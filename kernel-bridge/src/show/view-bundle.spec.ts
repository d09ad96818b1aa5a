import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { decodeView, type RoutingSample } from '../base/protocol';
import { viewDocument } from './view-bundle';

/** A sample of one layer whose logits take four bytes per token and expert. */
function sample(
  id: string,
  tokens: number,
  experts: number,
  topK = 1
): RoutingSample {
  return {
    id,
    tokens: Array.from({ length: tokens }, (_, position) => ({
      position,
      id: position,
      text: 'x'
    })),
    layers: [
      {
        layer: 0,
        experts,
        topK,
        score: 'softmax',
        logitsAre: 'logits',
        logits: new Float32Array(tokens * experts),
        selected: new Int32Array(tokens * topK),
        weights: new Float32Array(tokens * topK).fill(1)
      }
    ]
  };
}

const content = (samples: RoutingSample[]) => ({
  view: 'explorer' as const,
  model: 'tiny',
  samples
});
const MEGABYTE = 1 << 20;

describe('viewDocument', () => {
  it('stores small traces whole, and round-trips them', () => {
    const document = viewDocument(content([sample('a', 3, 4)]));
    expect(document.truncated).toBeUndefined();
    const [read] = decodeView(JSON.parse(JSON.stringify(document))).samples;
    expect(read.layers[0].logits).toEqual(new Float32Array(12));
    expect(read.layers[0].weights).toEqual(Float32Array.of(1, 1, 1));
  });

  it('omits the logits first, and reports it', () => {
    const document = viewDocument(content([sample('a', 4096, 256)]));
    expect(document.truncated).toMatch(
      /without router logits: the output would be larger than 4 MB/
    );
    expect(document.samples).toHaveLength(1);
    expect(document.samples[0].layers[0].logits).toBeUndefined();
    expect(JSON.stringify(document).length).toBeLessThan(4 * MEGABYTE);
  });

  it('then omits prompts from the end', () => {
    const samples = Array.from({ length: 40 }, (_, i) =>
      sample(String(i), 4096, 64, 4)
    );
    const document = viewDocument(content(samples));
    expect(document.samples.length).toBeGreaterThan(1);
    expect(document.samples.length).toBeLessThan(40);
    expect(document.samples[0].id).toBe('0');
    expect(document.truncated).toMatch(
      /^kept the first \d+ of 40 prompts, without router logits/
    );
    expect(JSON.stringify(document).length).toBeLessThan(5 * MEGABYTE);
  });
});

describe('viewBundle', () => {
  it('has a format for every front end', () => {
    // Jest cannot load the drawing library, which is an ES module: the built package draws in its own process.
    const program = `
      const { viewBundle } = require(${JSON.stringify(join(__dirname, '../../lib/show/view-bundle.js'))});
      const layer = { layer: 0, experts: 2, topK: 1, score: 'softmax', logitsAre: 'logits', logits: new Float32Array(2), selected: new Int32Array(1), weights: new Float32Array(1) };
      const sample = { id: 'a', tokens: [{ position: 0, id: 1 }], layers: [layer] };
      viewBundle({ view: 'explorer', model: 'tiny', samples: [sample] }, 'in words').then(bundle => console.log(JSON.stringify(bundle)));`;
    const bundle = JSON.parse(
      execFileSync(process.execPath, ['-e', program], { encoding: 'utf8' })
    ) as Record<string, unknown>;
    expect(Object.keys(bundle)).toEqual([
      'application/vnd.moe-debugger.v1+json',
      'application/vnd.vegalite.v5+json',
      'image/svg+xml',
      'text/plain'
    ]);
    expect(bundle['text/plain']).toBe('in words');
    expect(bundle['image/svg+xml']).toMatch(/^<svg/);
  });
});
