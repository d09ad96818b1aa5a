import { dirname } from 'node:path';

/** Folders whose code is not the user's: left out of stacks, and never ended by an interrupt. */
export const INTERNAL_FOLDERS: string[] = [
  __dirname,
  dirname(require.resolve('tslab/package.json')),
  dirname(require.resolve('@tslab/typescript-for-tslab/package.json'))
];
