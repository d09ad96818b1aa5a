/** Converts values to MIME bundles. */
import { inspect } from 'node:util';
import { MoEDebuggerError } from '../../base/errors';
import {
  MIMEBUNDLE,
  type Displayable,
  type JsonObject
} from '../../base/kernel-api';

/** The bundle of a cell's result. Runs the user's code: `[MIMEBUNDLE]()`, getters and `util.inspect.custom`. */
export async function bundleOf(value: unknown): Promise<JsonObject> {
  if (isDisplayable(value)) {
    return encodeBundle(await value[MIMEBUNDLE]());
  }
  return {
    'text/plain': typeof value === 'string' ? value : inspect(value)
  };
}

/**
 * Encodes binary values as base64, as Jupyter requires.
 * @throws MoEDebuggerError when `bundle` is not an object with MIME types as keys
 */
export function encodeBundle(bundle: unknown): JsonObject {
  if (
    typeof bundle !== 'object' ||
    bundle === null ||
    Array.isArray(bundle) ||
    ArrayBuffer.isView(bundle)
  ) {
    throw new MoEDebuggerError('input', 'a MIME bundle is not an object', {
      hint: "return an object such as { 'text/plain': '...' }"
    });
  }
  return Object.fromEntries(
    Object.entries(bundle).map(([type, data]) => [
      type,
      data instanceof Uint8Array ? Buffer.from(data).toString('base64') : data
    ])
  );
}

function isDisplayable(value: unknown): value is Displayable {
  return (
    ((typeof value === 'object' && value !== null) ||
      typeof value === 'function') &&
    typeof (value as Partial<Displayable>)[MIMEBUNDLE] === 'function'
  );
}
