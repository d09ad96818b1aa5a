/** `diagnose` finds what was planted, where it was planted, and nothing in models that are healthy. */
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { loadModel, type MoEModel, type PromptObject } from '../src';
import {
  diagnose,
  diagnoseModel,
  type Diagnosis,
  type Finding
} from '../src/analyses/findings';
import { builtInPrompts } from '../src/analyses/findings/diagnose-model';
import { NEUTRAL_PROMPTS } from '../src/analyses/findings/neutral-prompts';
import { findingsPage, type FindingsReport } from './findings-page';
import { expectPage } from './page';
import { readPlanted, samplePrompts, type Expected } from './planted-defects';
import {
  DEMO,
  REPOSITORY,
  describeEach,
  largerZoo,
  itWithZoo,
  readTruth
} from './zoo';

/** Described, and refused when run: there is no CPU kernel for it. */
const NOT_RUNNABLE = 'mixtral-hf-ort-cuda';
const zoo = largerZoo().filter(folder => basename(folder) !== NOT_RUNNABLE);
const defective = zoo.filter(folder => basename(folder).startsWith('defect-'));
const healthy = zoo.filter(folder => !defective.includes(folder));
const reports: FindingsReport[] = [];

async function withModel<T>(
  folder: string,
  work: (model: MoEModel) => Promise<T>
): Promise<T> {
  // Jest has a worker for each core; more threads than that wait for each other by spinning.
  const model = await loadModel(folder, { threads: 1 });
  try {
    return await work(model);
  } finally {
    await model.dispose();
  }
}

const fits = (finding: Finding, { kind, layer, experts }: Expected): boolean =>
  finding.kind === kind &&
  finding.layer === layer &&
  (!experts || sorted(experts) === sorted(finding.experts));
const sorted = (experts: readonly number[]): string =>
  [...experts].sort((a, b) => a - b).join(', ');
const words = ({ kind, layer, experts = [] }: Expected): string =>
  `${kind} layer ${layer}${experts.length > 0 ? ` expert ${sorted(experts)}` : ''}`;
const alarms = ({ findings }: Diagnosis): Finding[] =>
  findings.filter(({ severity }) => severity !== 'info');

if (defective.length > 0) {
  describe.each(defective.map(folder => [basename(folder), folder]))(
    '%s',
    (name, folder) => {
      it('is found to have what was planted, and nothing else', async () => {
        const { defects, consequences } = readPlanted(folder);
        expect(defects).not.toEqual([]);
        const diagnosis = await withModel(folder, model =>
          diagnoseModel(model, { prompts: samplePrompts(folder) })
        );
        const found = defects.filter(defect =>
          diagnosis.findings.some(finding => fits(finding, defect))
        );
        const rest = alarms(diagnosis).filter(
          finding => !defects.some(defect => fits(finding, defect))
        );
        const following = rest.filter(finding =>
          consequences.some(expected => fits(finding, expected))
        );
        const report: FindingsReport = {
          name,
          tokens: diagnosis.tokens,
          planted: defects.map(words),
          found: found.map(words),
          missed: defects.filter(defect => !found.includes(defect)).map(words),
          confirmed: following.map(words),
          falseAlarms: rest
            .filter(finding => !following.includes(finding))
            .map(words)
        };
        reports.push(report);
        expect(report.missed).toEqual([]);
        expect(report.falseAlarms).toEqual([]);
        // Where a specialist was planted, it is the only one.
        const specialists = diagnosis.findings.filter(
          ({ kind }) => kind === 'specialist-expert'
        );
        expect(
          specialists.filter(
            finding => !defects.some(defect => fits(finding, defect))
          )
        ).toEqual([]);
      });
    }
  );
}

if (healthy.length > 0) {
  describe.each(healthy.map(folder => [basename(folder), folder]))(
    '%s',
    (name, folder) => {
      it('raises no alarm that does not come again in each half of the texts', async () => {
        const report = await withModel(folder, async model => {
          const prompts = model.tokenizer ? undefined : recorded(folder);
          const diagnosis = await diagnoseModel(model, { prompts });
          const found = alarms(diagnosis);
          const again =
            found.length === 0 ? [] : await inBothHalves(model, found, prompts);
          return {
            name,
            tokens: diagnosis.tokens,
            planted: [],
            found: [],
            missed: [],
            confirmed: again.map(words),
            falseAlarms: found
              .filter(finding => !again.includes(finding))
              .map(words)
          };
        });
        reports.push(report);
        expect(report.falseAlarms).toEqual([]);
      });
    }
  );
}

function recorded(folder: string): PromptObject[] {
  return readTruth(folder).prompts.map(({ ids }, i) => ({
    id: String(i),
    inputIds: ids
  }));
}

/** Alarms about load that plain counting shows in either half of the texts: noise would not come twice. */
async function inBothHalves(
  model: MoEModel,
  found: readonly Finding[],
  given: readonly PromptObject[] | undefined
): Promise<Finding[]> {
  const prompts = given ?? builtInPrompts(model.loaded);
  const halves = [0, 1].map(half => prompts.filter((_, i) => i % 2 === half));
  let kept = [...found];
  for (const half of halves) {
    const { samples } = await model.trace(half);
    kept = kept.filter(({ kind, layer, stack, experts, threshold }) => {
      const selected = samples.flatMap(sample => [
        ...sample.layers.find(
          entry => entry.layer === layer && entry.stack === stack
        )!.selected
      ]);
      const own = samples[0].layers.find(
        entry => entry.layer === layer && entry.stack === stack
      )!;
      const count = (e: number): number =>
        selected.filter(choice => choice === e).length;
      const counts = Array.from({ length: own.experts }, (_, e) => count(e));
      const total = counts.reduce((a, b) => a + b, 0);
      const squares = counts.reduce((a, b) => a + b * b, 0);
      return kind === 'load-imbalance'
        ? total ** 2 / (own.experts * squares) < threshold!
        : kind === 'cold-expert' || kind === 'dead-expert'
          ? counts[experts[0]] / (selected.length / own.topK) < threshold!
          : false;
    });
  }
  return kept;
}

describe('the demo model', () => {
  let model: MoEModel;
  const prompts = NEUTRAL_PROMPTS.slice(0, 16);

  beforeAll(async () => {
    model = await loadModel(DEMO);
  });
  afterAll(() => model.dispose());

  /** Defects in other places than the zoo's, by edits of the selection. */
  it.each([
    [0, 6],
    [3, 1],
    [5, 4]
  ])(
    'has a dead expert, and no other, when expert %i:%i cannot be chosen',
    async (layer, expert) => {
      const trace = await model
        .with({ ablate: [{ layer, expert, mode: 'mask' }] })
        .trace([...prompts]);
      const { findings } = diagnose(trace);
      expect(
        findings
          .filter(({ kind }) => kind === 'dead-expert')
          .map(finding => [finding.layer, ...finding.experts])
      ).toEqual([[layer, expert]]);
    }
  );

  it('has no alarm in one phrase again and again', async () => {
    const trace = await model.trace('the cat sat on a mat and '.repeat(48));
    const { findings, undecided, tokens } = diagnose(trace);
    expect(tokens).toBeGreaterThan(400);
    expect(findings.filter(({ severity }) => severity !== 'info')).toEqual([]);
    const dead = undecided.filter(({ kind }) => kind === 'dead-expert');
    expect(dead).toHaveLength(6);
    expect(dead[0].reason).toMatch(
      /^cannot tell yet: 1\d of \d+ tokens are new text/
    );
  });

  // The zoo's README: expert 2 of layer 2 processes most German tokens.
  it('has its German expert in the 24 built-in texts, and in one text a domain', async () => {
    const german = ({ findings }: Diagnosis): Finding[] =>
      findings.filter(
        ({ kind, layer, experts, evidence }) =>
          kind === 'specialist-expert' &&
          layer === 2 &&
          experts[0] === 2 &&
          evidence.class === 'german'
      );
    const [of24] = german(diagnose(await model.trace([...NEUTRAL_PROMPTS])));
    expect(of24.value).toBeGreaterThan(0.9);
    expect(of24.evidence).toMatchObject({ texts: 2, shownBy: 'texts' });
    expect(of24.evidence.correctedP).toBeLessThan(0.05);
    const notebook = JSON.parse(
      readFileSync(join(REPOSITORY, 'notebooks/quickstart.ipynb'), 'utf8')
    ) as { cells: { source: string[] }[] };
    const cell = notebook.cells.map(({ source }) => source.join(''));
    const seven = [
      ...cell
        .find(code => code.includes('const domains ='))!
        .matchAll(/\{ id: '(\w+)', domain: '\w+', text: ('.*') \}/g)
    ].map(([, domain, text]) => ({
      id: domain,
      domain,
      text: text.slice(1, -1).replaceAll('\\n', '\n')
    }));
    expect(seven).toHaveLength(7);
    const [of7] = german(diagnose(await model.trace(seven)));
    expect(of7.value).toBeGreaterThan(0.9);
    expect(of7.evidence).toMatchObject({ texts: 1, shownBy: 'one text' });
  });

  it('has a collapsed router when one expert is forced', async () => {
    const trace = await model
      .with({ bias: [{ layer: 4, expert: 2, value: 1e4 }] })
      .trace([...prompts]);
    expect(
      diagnose(trace)
        .findings.filter(({ kind }) => kind === 'router-collapse')
        .map(finding => [finding.layer, ...finding.experts])
    ).toEqual([[4, 2]]);
  });

  it('drifts against itself only where it was changed', async () => {
    const before = await model.trace([...prompts]);
    const after = await model
      .with({ bias: [{ layer: 5, expert: 0, value: 3 }] })
      .trace([...prompts]);
    const drift = (trace: typeof before): number[] =>
      diagnose(trace, { baseline: before })
        .findings.filter(({ kind }) => kind === 'drift')
        .map(({ layer }) => layer);
    expect(drift(before)).toEqual([]);
    expect(drift(after)).toEqual([5]);
  });
});

const redundant = largerZoo().filter(folder =>
  /^defect-(redundant|duplicate)$/.test(basename(folder))
);
describeEach(redundant, '$name', ({ folder }) => {
  it('has experts that put out alike where they were planted', async () => {
    const { planted } = JSON.parse(
      readFileSync(join(folder, 'truth.json'), 'utf8')
    ) as {
      planted: Record<
        'duplicates' | 'near_duplicates',
        { layer: number; experts: number[] }[] | undefined
      >;
    };
    const { findings } = await withModel(folder, model =>
      diagnoseModel(model, { outputs: true })
    );
    expect(
      findings
        .filter(({ metric }) => metric === 'relativeOutputDifference')
        .map(({ layer, experts }) => ({ layer, experts }))
    ).toEqual(
      (planted.duplicates ?? planted.near_duplicates)!.map(
        ({ layer, experts }) => ({ layer, experts })
      )
    );
  });
});

itWithZoo(zoo.length > 0, 'docs/findings.md is up to date', () =>
  expectPage('findings.md', findingsPage(reports))
);
