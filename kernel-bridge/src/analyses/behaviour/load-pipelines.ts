/** What finds expert pipelines, loaded when somebody asks: programs that trace only never pay for it. */
import { createRequire } from 'node:module';
import type * as ReadPipelines from './read-pipelines';

const load = createRequire(__filename);

export const readPipelines: typeof ReadPipelines.readPipelines = (
  parts,
  prompts,
  options
) =>
  (load('./read-pipelines') as typeof ReadPipelines).readPipelines(
    parts,
    prompts,
    options
  );
