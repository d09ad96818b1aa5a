/**
 * Moves binary values out of JSON and back, as in the Jupyter widget protocol: a list of buffers, with the path of each
 * in `buffer_paths`.
 */
import { ProtocolError } from './error';

export type BufferPath = (string | number)[];
export interface Extracted {
  state: unknown;
  bufferPaths: BufferPath[];
  buffers: ArrayBufferView[];
}

/** Splits `value` into plain JSON and the binary views found in it. Does not modify `value`. */
export function extractBuffers(value: unknown): Extracted {
  const bufferPaths: BufferPath[] = [];
  const buffers: ArrayBufferView[] = [];
  const walk = (item: unknown, path: BufferPath): unknown => {
    if (ArrayBuffer.isView(item)) {
      bufferPaths.push(path);
      buffers.push(item);
      return null;
    }
    if (Array.isArray(item)) {
      return item.map((entry, i) => walk(entry, [...path, i]));
    }
    if (typeof item === 'object' && item !== null) {
      const copy: Record<string, unknown> = {};
      for (const [key, entry] of Object.entries(item)) {
        const walked = walk(entry, [...path, key]);
        // As in the widget protocol: a removed key is absent from an object, and null in a list.
        if (!ArrayBuffer.isView(entry)) {
          copy[key] = walked;
        }
      }
      return copy;
    }
    return item;
  };
  return { state: walk(value, []), bufferPaths, buffers };
}

const FORBIDDEN = new Set(['__proto__', 'constructor', 'prototype']);

/**
 * Puts buffers back in place, into `state` itself.
 * @throws ProtocolError when a path leads nowhere or into an object's prototype
 */
export function insertBuffers(
  state: unknown,
  bufferPaths: unknown,
  buffers: readonly (ArrayBufferView | ArrayBuffer)[]
): void {
  if (!Array.isArray(bufferPaths) || bufferPaths.length !== buffers.length) {
    throw new ProtocolError('buffer_paths and buffers differ in length');
  }
  bufferPaths.forEach((path: unknown, i) => {
    if (
      !Array.isArray(path) ||
      path.length === 0 ||
      path.some(key => FORBIDDEN.has(String(key)))
    ) {
      throw new ProtocolError(`buffer_paths[${i}] is not a path`);
    }
    let target = state as Record<string | number, unknown>;
    for (const key of path.slice(0, -1)) {
      target = target?.[key] as Record<string | number, unknown>;
    }
    if (typeof target !== 'object' || target === null) {
      throw new ProtocolError(`buffer_paths[${i}] leads nowhere`);
    }
    const buffer = buffers[i];
    target[path[path.length - 1]] = ArrayBuffer.isView(buffer)
      ? buffer
      : new DataView(buffer);
  });
}
