/** Sets up a fresh clone, before JupyterLab or a test starts. */
import { SetupError } from './errors.mjs';
import {
  extension,
  kernelPackage,
  kernelspec,
  pythonPackage
} from './build.mjs';
import { checkNode, nodePackages } from './node.mjs';
import { findPython, pythonPackages, virtualEnvironment } from './python.mjs';
import { runStages } from './stages.mjs';

const STAGES = [
  virtualEnvironment,
  nodePackages,
  pythonPackages,
  kernelPackage,
  extension,
  pythonPackage,
  kernelspec
];

export async function setUp() {
  checkNode();
  if (!virtualEnvironment.isDone()) {
    await findPython();
  }
  await runStages(STAGES);
}

/** Runs `main`; an error that the user can fix ends the program with its one sentence. */
export async function orExplain(main) {
  try {
    return await main();
  } catch (error) {
    if (!(error instanceof SetupError)) {
      throw error;
    }
    console.error(`\n${error.message}`);
    process.exit(1);
  }
}
