/** Everything that a fresh clone needs before JupyterLab or a test can start. */
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

/** Runs `main`; a failure that a person can mend ends the program with its one sentence. */
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
