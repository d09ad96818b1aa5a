/** Types, style and workflows: each tool counts as one test. */
import { npm, tool } from '../paths.mjs';
import { run } from '../processes.mjs';
import { nothing } from './results.mjs';

const node = (...parts) => [process.execPath, ...parts];
const tsc = project =>
  node(tool('typescript', 'tsc'), '--noEmit', '-p', project);

const CHECKS = [
  ['types of the extension (tsc)', () => tsc('tsconfig.test.json')],
  [
    'types of the kernel package (tsc)',
    () => tsc('kernel-bridge/tsconfig.test.json')
  ],
  [
    'types of the measurements (tsc)',
    () => tsc('kernel-bridge/tsconfig.bench.json')
  ],
  ['imports', () => [...npm(), 'run', '--silent', 'lint:imports']],
  ['eslint', () => [...npm(), 'run', '--silent', 'lint:eslint']],
  ['stylelint', () => [...npm(), 'run', '--silent', 'lint:style']],
  ['prettier', () => [...npm(), 'run', '--silent', 'lint:prettier']],
  [
    'workflows (actionlint)',
    () => [...npm(), 'run', '--silent', 'lint:workflows']
  ]
];

export const lint = {
  name: 'lint',
  title: 'Types, style and workflows',
  async run() {
    const result = nothing();
    for (const [name, command] of CHECKS) {
      const { error, lines } = await run(command(), { seconds: 600 });
      if (error) {
        console.log(`${name}: failed\n${lines.join('\n')}`);
        result.failures.push({ name, message: lines.join('\n') || error });
      } else {
        console.log(`${name}: passed`);
        result.passed++;
      }
    }
    return result;
  }
};
