/** Validators for untrusted input from a notebook, a file or a comm. */
import { ProtocolError } from './error';

const LIMIT = 1 << 24;
/** Browsers take time quadratic in the marks on one letter: a minute for 100,000. */
const MAX_MARKS = 1000;
const TOO_MANY_MARKS = new RegExp(`\\p{M}{${MAX_MARKS + 1}}`, 'u');

/** @throws ProtocolError naming the field, like all of these */
export function object(value: unknown, at: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ProtocolError(`${at} is not an object`);
  }
  return value as Record<string, unknown>;
}

/** @param most maximum number of entries */
export function list(value: unknown, at: string, most = Infinity): unknown[] {
  if (!Array.isArray(value)) {
    throw new ProtocolError(`${at} is not a list`);
  }
  if (value.length > most) {
    throw new ProtocolError(
      `${at} has ${value.length} entries, more than the ${most} that can be shown`
    );
  }
  return value;
}

/** @param most maximum number of characters */
export function text(value: unknown, at: string, most = Infinity): string {
  if (typeof value !== 'string') {
    throw new ProtocolError(`${at} is not text`);
  }
  if (value.length > most) {
    throw new ProtocolError(`${at} is longer than ${most} characters`);
  }
  if (TOO_MANY_MARKS.test(value)) {
    throw new ProtocolError(
      `${at} has more than ${MAX_MARKS} combining marks in a row, which a page cannot draw`
    );
  }
  return value;
}

export function count(value: unknown, at: string, most = LIMIT): number {
  if (
    typeof value !== 'number' ||
    !Number.isInteger(value) ||
    value < 0 ||
    value > most
  ) {
    throw new ProtocolError(`${at} is not a count`);
  }
  return value;
}

/** A finite number. */
export function number(value: unknown, at: string): number {
  if (typeof value !== 'number' || !Number.isFinite(value)) {
    throw new ProtocolError(`${at} is not a number`);
  }
  return value;
}

/** A finite number, or null. */
export function figure(value: unknown, at: string): number | null {
  return value === null ? null : number(value, at);
}

/** A number from 0 to 1. */
export function share(value: unknown, at: string): number {
  if (typeof value !== 'number' || !(value >= 0 && value <= 1)) {
    throw new ProtocolError(`${at} is not a share`);
  }
  return value;
}

export function flag(value: unknown, at: string): boolean {
  if (typeof value !== 'boolean') {
    throw new ProtocolError(`${at} is not true or false`);
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
