/** Reads fields of a document that came from a stranger. Each throws a ProtocolError that names the field. */
import { ProtocolError } from './error';

/** Above any count of tokens, experts or layers. */
const LIMIT = 1 << 24;

export function object(value: unknown, at: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ProtocolError(`${at} is not an object`);
  }
  return value as Record<string, unknown>;
}

export function list(value: unknown, at: string): unknown[] {
  if (!Array.isArray(value)) {
    throw new ProtocolError(`${at} is not a list`);
  }
  return value;
}

export function text(value: unknown, at: string): string {
  if (typeof value !== 'string') {
    throw new ProtocolError(`${at} is not text`);
  }
  return value;
}

export function count(value: unknown, at: string): number {
  if (
    typeof value !== 'number' ||
    !Number.isInteger(value) ||
    value < 0 ||
    value > LIMIT
  ) {
    throw new ProtocolError(`${at} is not a count`);
  }
  return value;
}

export function oneOf<const T extends string>(
  value: unknown,
  choices: readonly T[],
  at: string
): T {
  if (!choices.includes(value as T)) {
    throw new ProtocolError(`${at} is not one of ${choices.join(', ')}`);
  }
  return value as T;
}
