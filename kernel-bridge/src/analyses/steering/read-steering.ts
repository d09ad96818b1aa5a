/** Reads and validates a steering file, which is untrusted input. */
import { readFileSync, statSync } from 'node:fs';
import type { Edits, Steering } from '../../run/edits/edits';
import { MoEDebuggerError } from '../../base/errors';

const MAX_BYTES = 256 * 2 ** 20;

/**
 * Reads the document that `SteeringVectors` writes, or one vector of it: `{layer, vector, scale?, tokens?}`.
 * @throws MoEDebuggerError 'input' naming the invalid field
 */
export function readSteering(path: string): Pick<Edits, 'steer' | 'bias'> {
  let document: unknown;
  try {
    if (statSync(path).size > MAX_BYTES) {
      throw new Error(`it has more than ${MAX_BYTES} bytes`);
    }
    document = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw invalid(
      path,
      `the file cannot be read: ${(error as Error).message}`,
      error
    );
  }
  if (!isRecord(document)) {
    throw invalid(path, 'the file is not a JSON object');
  }
  if (document.schema !== undefined && document.schema !== SCHEMA) {
    throw invalid(
      path,
      `the schema is ${JSON.stringify(document.schema)} instead of ${SCHEMA}`
    );
  }
  const steer = 'vector' in document ? [document] : (document.steer ?? []);
  const bias = document.bias ?? [];
  if (!Array.isArray(steer) || !Array.isArray(bias)) {
    throw invalid(path, 'steer and bias must be lists');
  }
  if (steer.length + bias.length === 0) {
    throw invalid(path, 'the file has neither steer nor bias');
  }
  return {
    steer: steer.map((own, i) => steering(own, `${path}, steer ${i}`)),
    bias: bias.map((own, i) => biasOf(own, `${path}, bias ${i}`))
  };
}

const SCHEMA = 'moe-debugger/steering@1';

function steering(own: unknown, where: string): Steering {
  if (!isRecord(own) || !Number.isInteger(own.layer)) {
    throw invalid(where, 'it has no layer');
  }
  const { vector, scale, tokens } = own;
  if (
    !Array.isArray(vector) ||
    !vector.every(value => typeof value === 'number')
  ) {
    throw invalid(where, 'its vector is not a list of numbers');
  }
  if (scale !== undefined && typeof scale !== 'number') {
    throw invalid(where, 'its scale is not a number');
  }
  return {
    ...placeOf(own, where),
    vector: vector as number[],
    ...(scale === undefined ? {} : { scale }),
    ...tokensOf(tokens, where)
  };
}

function biasOf(
  own: unknown,
  where: string
): NonNullable<Edits['bias']>[number] {
  if (
    !isRecord(own) ||
    !Number.isInteger(own.layer) ||
    !Number.isInteger(own.expert) ||
    typeof own.value !== 'number'
  ) {
    throw invalid(where, 'it needs layer, expert and value');
  }
  return {
    ...placeOf(own, where),
    ...(typeof own.module === 'string' ? { module: own.module } : {}),
    expert: own.expert as number,
    value: own.value,
    ...tokensOf(own.tokens, where)
  };
}

function placeOf(
  { layer, stack }: Record<string, unknown>,
  where: string
): Pick<Steering, 'layer' | 'stack'> {
  if (stack !== undefined && stack !== 'encoder' && stack !== 'decoder') {
    throw invalid(where, 'its stack is neither encoder nor decoder');
  }
  return { layer: layer as number, ...(stack ? { stack } : {}) };
}

function tokensOf(tokens: unknown, where: string): Pick<Steering, 'tokens'> {
  if (tokens === undefined) {
    return {};
  }
  if (
    !Array.isArray(tokens) ||
    tokens.length < 1 ||
    tokens.length > 2 ||
    !tokens.every(value => Number.isInteger(value))
  ) {
    throw invalid(where, 'its tokens are not a range [from, to?]');
  }
  return { tokens: tokens as unknown as Steering['tokens'] };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function invalid(
  where: string,
  what: string,
  cause?: unknown
): MoEDebuggerError {
  return new MoEDebuggerError('input', what, {
    where,
    hint: `give {"schema": "${SCHEMA}", "steer": [{"layer": 3, "vector": [...], "scale": 4}]}, as "moe-debugger steer" writes it`,
    cause
  });
}
