/** Parsers for option values. */
import { InvalidArgumentError } from 'commander';

export function parseIds(text: string): number[] {
  const fields = text.trim().split(/\s*,\s*|\s+/);
  const ids = fields.map(Number);
  if (!fields.every(field => /^\d+$/.test(field))) {
    throw new InvalidArgumentError(
      'give non-negative integers separated by commas'
    );
  }
  return ids;
}

export function parseNumber(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value)) {
    throw new InvalidArgumentError('give a number');
  }
  return value;
}

export function parseSeed(text: string): number {
  const value = parseNumber(text);
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new InvalidArgumentError('give a whole number of at least 0');
  }
  return value;
}

export function parseCount(text: string): number {
  const value = parseSeed(text);
  if (value === 0) {
    throw new InvalidArgumentError('give a whole number of at least 1');
  }
  return value;
}

export function parseWhich(text: string): 'last' | 'all' {
  if (text !== 'last' && text !== 'all') {
    throw new InvalidArgumentError('give last or all');
  }
  return text;
}
