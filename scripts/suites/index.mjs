/** The suites in the order in which they run: the quick ones first, the browser last. */
import { lint } from './lint.mjs';
import { jestExtension, jestKernel } from './jest.mjs';
import { notebooks, pytest } from './pytest.mjs';
import { scripts } from './scripts.mjs';
import { galata } from './galata.mjs';

export const suites = [
  lint,
  scripts,
  jestExtension,
  jestKernel,
  pytest,
  notebooks,
  galata
];
