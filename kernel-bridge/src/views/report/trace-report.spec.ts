import '../trace-looks';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { samplesOf } from '../../../test/made-samples';
import { temporaryFolder } from '../../../test/temporary';
import { diagnose } from '../../analyses/findings';
import type { RoutingSample } from '../../base/protocol';
import { RoutingTrace } from '../../run/trace/routing-trace';
import { findingsSection } from './findings';

const HOSTILE = `</td><script>alert("x")</script><img src=//evil.example onerror='x'>`;

function sample(id: string, more: Partial<RoutingSample> = {}): RoutingSample {
  return {
    id,
    domain: `domain ${HOSTILE}`,
    tokens: [
      { position: 0, id: 70001, text: 'secret' },
      { position: 1, id: 70002, text: HOSTILE }
    ],
    layers: [
      {
        layer: 3,
        module: `mlp ${HOSTILE}`,
        experts: 4,
        topK: 1,
        score: 'softmax',
        logitsAre: 'logits',
        logits: new Float32Array(),
        selected: Int32Array.of(2, 2),
        weights: Float32Array.of(1, 0.5)
      }
    ],
    ...more
  };
}

const trace = (samples: RoutingSample[]): RoutingTrace =>
  new RoutingTrace({
    id: 't',
    model: `model ${HOSTILE}`,
    samples,
    moeLayers: 2,
    timing: { inference: 1 },
    edits: [{ kind: 'ablate', layer: 3, expert: 1, mode: 'mask' }]
  });

/** A whole page, drawn by the built package: jest cannot load the drawing library, which is an ES module. */
function fullReport(layers = 1): string {
  const program = `
    const { RoutingTrace } = require(${JSON.stringify(join(__dirname, '../../../lib/run/trace/routing-trace.js'))});
    require(${JSON.stringify(join(__dirname, '../../../lib/views/trace-looks.js'))});
    const hostile = ${JSON.stringify(HOSTILE)};
    const layer = { layer: 0, experts: 2, topK: 1, score: 'softmax', logitsAre: 'logits', logits: new Float32Array(4), selected: Int32Array.of(0, 1), weights: Float32Array.of(1, 1) };
    const sample = { id: hostile, domain: 'd', tokens: [{ position: 0, id: 1, text: hostile }, { position: 1, id: 2, text: 'if' }], layers: Array.from({ length: ${layers} }, (_, i) => ({ ...layer, layer: i })) };
    const trace = new RoutingTrace({ id: 't', model: 'm', samples: [sample], moeLayers: ${layers}, timing: { inference: 1 } });
    trace.report().then(html => console.log(html));`;
  return execFileSync(process.execPath, ['-e', program], { encoding: 'utf8' });
}

/** Markup that would run or load something. SVG namespaces are names, not addresses. */
const ACTIVE =
  /<script|<img|<link|<iframe|<object|\son\w+=|javascript:|url\((?!#)|@import|(?:src|href)=|https?:\/\/(?!www\.w3\.org\/)/i;

describe('the report of a trace', () => {
  it('is one page without scripts and addresses, with the text escaped', () => {
    const html = fullReport();
    expect(html).toMatch(/^<!DOCTYPE html>[^]*<\/html>\s*$/);
    expect(html).toMatch(
      /Content-Security-Policy" content="default-src 'none'/
    );
    // Escaped text contains the same words, so it is removed first.
    expect(html.replace(/&lt;[^<]*?&gt;|aria-label="[^"]*"/g, '')).not.toMatch(
      ACTIVE
    );
    expect(html).toContain('&lt;script&gt;');
    expect(html).toMatch(/<figure><svg/);
    expect(html).toMatch(/prefers-color-scheme: dark/);
    expect(html.length).toBeLessThan(100_000);
  });

  it('draws every layer, each with a description', () => {
    const html = fullReport(6);
    const labels = [
      ...html.matchAll(/<figure><svg role="img" aria-label="([^"]*)"/g)
    ];
    expect(labels.map(([, label]) => label.split(',')[0])).toEqual([
      'm · layer 0',
      'm · layer 1',
      'm · layer 2',
      'm · layer 3',
      'm · layer 4',
      'm · layer 5'
    ]);
    expect(html).not.toContain('Left out');
  });

  it('says which layers are left out where there are many', () => {
    const html = fullReport(12);
    expect(html.match(/<figure>/g)).toHaveLength(8);
    expect(html).toContain(
      '8 of 12 layers are drawn. Left out: layer 1, layer 4, layer 7, layer 10.'
    );
  });

  it('reveals nothing of the text with privacy "counts"', async () => {
    const html = await trace([sample('sample-name'), sample('b')]).report({
      privacy: 'counts'
    });
    expect(html).toContain('id="findings"');
    for (const text of ['secret', '70001', '70002', 'sample-name', 'domain']) {
      expect(html).not.toContain(text);
    }
    expect(html).not.toMatch(/<script|<img/);
    expect(html).toContain('counts only');
    // Expert 2 has all four tokens; three of four experts have none.
    expect(html).toContain('<td>2 (100 %)</td>');
    expect(html).toMatch(/<td>4<\/td><td>4<\/td><td>3<\/td>/);
    expect(html).toContain('1 of 2');
    expect(html).toContain('ablate layer 3 expert 1 mask');
  });

  it('writes a file atomically, and accepts further sections', async () => {
    const out = join(temporaryFolder(), 'report.html');
    const html = await trace([sample('a')]).report({
      privacy: 'counts',
      out,
      sections: [{ id: 'more', title: 'More', html: '<p>none</p>' }]
    });
    expect(readFileSync(out, 'utf8')).toBe(html);
    expect(html.indexOf('id="summary"')).toBeLessThan(
      html.indexOf('id="findings"')
    );
    expect(html.indexOf('id="findings"')).toBeLessThan(
      html.indexOf('id="more"')
    );
    expect(html.indexOf('id="more"')).toBeLessThan(html.indexOf('id="load"'));
    await expect(
      trace([sample('a')]).report({
        privacy: 'counts',
        out: join(out, 'nowhere.html')
      })
    ).rejects.toMatchObject({ code: 'environment' });
  });

  it('lists findings, with evidence only where text may be revealed', async () => {
    const samples = samplesOf(
      ({ id, position }) => {
        const rest = [0, 1, 2, 3, 4, 6, 7];
        const first = (id + position) % 7;
        return [rest[first], rest[(first + 1 + (id % 5)) % 7]];
      },
      { text: id => (id === 3 ? HOSTILE : `word${id}`) }
    );
    const counts = await trace(samples).report({ privacy: 'counts' });
    expect(counts).toContain('no token of 1000 selected expert 5');
    expect(counts).not.toMatch(/word\d|<script|<img/);
    // A specialist given to the report: its class reveals the text.
    const { findings: own, ...rest } = diagnose({ samples });
    const [dead] = own;
    const findings = {
      ...rest,
      findings: [
        {
          ...dead,
          kind: 'specialist-expert' as const,
          message: `of ${HOSTILE}`,
          evidence: {
            tokens: [{ sample: 'a', position: 1, id: 3, text: HOSTILE }]
          }
        }
      ]
    };
    const section = findingsSection(findings, true).html;
    expect(section).toContain('&lt;script&gt;');
    expect(section).not.toMatch(/<script|<img/);
    const silent = findingsSection(findings, false).html;
    expect(silent).not.toContain('script');
    expect(silent).toContain('Nothing was found');
  });

  it('marks an expert red only where a finding calls it dead', async () => {
    const without5 = (samples: number) =>
      samplesOf(
        ({ id, position }) => {
          const rest = [0, 1, 2, 3, 4, 6, 7];
          const first = (id + position) % 7;
          return [rest[first], rest[(first + 1 + (id % 5)) % 7]];
        },
        { samples }
      );
    const red = '<path class="none"';
    const sure = await trace(without5(20)).report({ privacy: 'counts' });
    expect(sure).toContain(red);
    expect(sure).toContain('no token of 1000 selected expert 5');
    const unsure = await trace(without5(2)).report({ privacy: 'counts' });
    expect(unsure).not.toContain(red);
    expect(unsure).toContain('<path class="unused"');
    expect(unsure).toContain('Nothing is certain with these tokens');
    expect(unsure).not.toContain('Nothing was found');
    expect(unsure).toMatch(/cannot tell yet: 100 tokens, about 300 are needed/);
  });

  it('has no error where weights were not recorded, and says what was not looked at', async () => {
    const html = await trace(
      samplesOf(() => []).map(sample => ({
        ...sample,
        layers: sample.layers.map(layer => ({
          ...layer,
          weights: new Float32Array()
        }))
      }))
    ).report({ privacy: 'counts' });
    expect(html).not.toContain('class="finding error"');
    expect(html).toContain('Nothing was found');
    expect(html).toContain(
      'non-finite: not looked at: the router&#39;s weights were not recorded'
    );
  });

  it('counts one text and one token as one', () => {
    const [one] = samplesOf(() => [], { samples: 1, length: 1 });
    const { html } = findingsSection(diagnose({ samples: [one] }), true);
    expect(html).toContain('Of 1 token in 1 text.');
  });
});
