/** Isolates the Jupyter servers and kernels of the tests from the user's own. */
import { mkdirSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { cache } from '../paths.mjs';

/** The user's configuration in the home folder does not affect the tests. */
export const isolatedJupyter = () => {
  const at = name => {
    const folder = path.join(cache, 'jupyter', name);
    mkdirSync(folder, { recursive: true });
    return folder;
  };
  return {
    JUPYTER_CONFIG_DIR: at('config'),
    JUPYTER_DATA_DIR: at('data'),
    JUPYTER_RUNTIME_DIR: at('runtime'),
    IPYTHONDIR: at('ipython')
  };
};

/** A free port. */
export async function freePort() {
  const server = createServer();
  await new Promise(resolve => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise(resolve => server.close(resolve));
  return port;
}
