/** docs/edits.md: what each edit was checked against, written by the tests of edits. */
import type { EditTruth } from './edit-truth';
import { powerOfTen } from './models-page';
import { markdownTable } from './page';

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

const HEAD = `# Edits that are checked

This page shows which edits each tested model supports, and how far their results are from PyTorch's. \`npm run pages\`
generates it by \`kernel-bridge/test/edits.spec.ts\`; do not edit it. [intervening.md](intervening.md) shows how to use edits.

The table compares the final logits of the first prompt with one edit to those that PyTorch computed with the same edit,
with and without onnxruntime's optimisation; the tolerance is 1e-3. Differences are rounded up to a power of ten, and
shown as < 1e-4 below that. Models without recorded edits are compared with a model that has the same weights in another
form, if there is one.

- mask: the expert's logit is masked, and the score that it is selected by, so a substitute is selected whatever the bias
- drop: the expert's final weight is 0, the others keep theirs
- force: the expert runs alone with weight 1; shared experts stay
- top-k: another k, with the model's own renormalisation

An empty cell is a supported edit without a recorded result. A refused edit raises an error before anything runs, which
says why it is refused and what is possible.

For every model an empty edit leaves logits, experts and weights unchanged, bit for bit. Dropping an expert in any layer,
where the graph supports it, changes the layer's output at exactly the tokens that select the expert
(\`kernel-bridge/test/drop-locality.spec.ts\`); dropping or swapping an expert of the last router changes exactly their
logits. With fused experts decomposed to plain operators (\`rewriteFused\`) no edit is refused.
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

export function editsPage(reports: readonly EditReport[]): string {
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
  return `${HEAD}\n${table}\n`;
}
