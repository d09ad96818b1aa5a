import { dirname } from 'node:path';

/** Folders of code that is not the user's: omitted from stacks, and never terminated by an interrupt. */
export const INTERNAL_FOLDERS: string[] = [
  __dirname,
  dirname(require.resolve('tslab/package.json')),
  dirname(require.resolve('@tslab/typescript-for-tslab/package.json'))
];
