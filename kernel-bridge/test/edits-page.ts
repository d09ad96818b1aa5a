/** docs/edits.md: what each edit was checked against, written by the tests of edits. */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { EditTruth } from './edit-truth';
import { markdownTable, powerOfTen } from './models-page';
import { REPOSITORY } from './zoo';

export interface EditReport {
  name: string;
  /** The model whose recorded edits it was compared with. */
  truth?: string;
  /** How many tests saw the model. */
  tests: number;
  /** Largest differences of the output logits. */
  differences: Partial<Record<EditTruth['kind'], number>>;
  /** Edits that its graph does not take, as errors word them. */
  refused: Set<string>;
}

const PAGE = join(REPOSITORY, 'docs/edits.md');

const HEAD = `# Edits that are checked

Written by \`kernel-bridge/test/edits.spec.ts\`; do not edit. Final logits of the first prompt with one edit, compared with
what PyTorch computed with the same edit, with onnxruntime's optimisation and without; tolerance 1e-3. A difference is given as the next power of ten above the
largest one, and as < 1e-4 below that. Models without recorded edits are compared with those of a model with the same weights in another form,
where there is one.

- mask: the gate's logit is taken away before scores, bias and choice, so a substitute enters
- drop: the expert's final weight is 0, the others keep theirs
- force: that expert alone with weight 1; shared experts stay
- top-k: another k, with the model's own renormalisation

An empty cell is an edit that the model takes and that nothing was recorded of; a refused one raises an error before
anything runs, which says why and what is possible.

For every model an empty edit leaves logits, experts and weights equal bit for bit. Dropping an expert in any layer, where
the graph takes that, changes what the layer adds to the residual stream at exactly the tokens that chose it
(\`kernel-bridge/test/drop-locality.spec.ts\`); dropping or swapping one of the last router changes the logits of exactly
these. With fused experts written in plain operators (\`rewriteFused\`) no edit is refused.
`;

/** Smaller differences depend on the machine. */
const ROUNDING = 1e-5;
const KINDS: EditTruth['kind'][] = ['mask', 'drop', 'force', 'topK'];
const REFUSED: Record<EditTruth['kind'], string> = {
  mask: 'ablate by mask',
  drop: 'ablate by drop',
  force: 'force',
  topK: 'topK'
};

/** Rewrites the page when it says something else. */
export function writeEditsPage(reports: readonly EditReport[]): void {
  const rows = reports.map(({ name, truth, differences, refused }) => [
    name,
    truth === undefined ? 'none' : truth === name ? 'own' : truth,
    ...KINDS.map(kind => {
      const difference = differences[kind];
      return difference === undefined
        ? refused.has(REFUSED[kind])
          ? 'refused'
          : ''
        : powerOfTen(Math.max(difference, ROUNDING));
    }),
    [...refused].sort().join(', ')
  ]);
  const table = markdownTable([
    ['model', 'recorded edits', 'mask', 'drop', 'force', 'top-k', 'refused'],
    ...rows
  ]);
  const page = `${HEAD}\n${table}\n`;
  if (!existsSync(PAGE) || readFileSync(PAGE, 'utf8') !== page) {
    writeFileSync(`${PAGE}.new`, page);
    renameSync(`${PAGE}.new`, PAGE);
  }
}
