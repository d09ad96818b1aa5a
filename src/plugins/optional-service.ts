import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { Token } from '@lumino/coreutils';

/**
 * A service whose token is in a package that not every application has: JupyterLab shares `@jupyterlab/launcher`,
 * Voila does not. A static import of such a package would keep the whole extension from loading there.
 *
 * @param token imports the package
 * @returns null if the package or the service is absent
 */
export async function optionalService<T>(
  app: JupyterFrontEnd,
  token: () => Promise<Token<T>>
): Promise<T | null> {
  let found: Token<T>;
  try {
    found = await token();
  } catch {
    return null;
  }
  return app.resolveOptionalService(found);
}
