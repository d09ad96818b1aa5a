/** Replies to requests about code or the kernel, which run no code. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { JsonObject } from '../../base/kernel-api';
import type { CommManager } from './comms';
import type { History } from './history';
import { LANGUAGE_VERSION, type Interpreter } from './interpreter';
import { PACKAGE_ROOT } from './module-resolution';
import { PROTOCOL_VERSION } from './wire';

export interface Sources {
  interpreter: Interpreter;
  history: History;
  comms: CommManager;
}

/** Content of the reply to a request of type `type`; errors become replies too. */
export function answer(
  type: string,
  content: JsonObject,
  sources: Sources
): JsonObject {
  try {
    switch (type) {
      case 'kernel_info_request':
        return kernelInfo();
      case 'is_complete_request':
        return isComplete(content, sources.interpreter);
      case 'complete_request':
        return complete(content, sources.interpreter);
      case 'inspect_request':
        return inspect(content, sources.interpreter);
      case 'history_request':
        return { status: 'ok', history: sources.history.query(content) };
      case 'comm_info_request':
        return sources.comms.info(content.target_name);
    }
    return failure('UnsupportedRequest', `this kernel does not answer ${type}`);
  } catch (error) {
    return failure('Error', (error as Error).message);
  }
}

function kernelInfo(): JsonObject {
  const { version } = JSON.parse(
    readFileSync(join(PACKAGE_ROOT, 'package.json'), 'utf8')
  ) as { version: string };
  return {
    status: 'ok',
    protocol_version: PROTOCOL_VERSION,
    implementation: 'moe-debugger',
    implementation_version: version,
    banner: `TypeScript ${LANGUAGE_VERSION} with MoE Debugger ${version}, Node ${process.version}`,
    debugger: false,
    help_links: [],
    language_info: {
      name: 'typescript',
      version: LANGUAGE_VERSION,
      mimetype: 'text/typescript',
      file_extension: '.ts',
      pygments_lexer: 'typescript',
      // Notebook 6 highlights TypeScript with its JavaScript mode.
      codemirror_mode: {
        mode: 'typescript',
        name: 'javascript',
        typescript: true
      },
      nbconvert_exporter: 'script'
    }
  };
}

function isComplete(
  { code }: JsonObject,
  interpreter: Interpreter
): JsonObject {
  const { completed, indent = '' } = interpreter.isComplete(String(code));
  return completed ? { status: 'complete' } : { status: 'incomplete', indent };
}

function complete(content: JsonObject, interpreter: Interpreter): JsonObject {
  const code = String(content.code);
  const { matches, start, end } = interpreter.complete(
    code,
    toOffset(code, content.cursor_pos)
  );
  const span = {
    start: toCursor(code, start),
    end: toCursor(code, end)
  };
  return {
    status: 'ok',
    matches: matches.map(match => match.text),
    cursor_start: span.start,
    cursor_end: span.end,
    metadata: {
      // JupyterLab shows an icon by type.
      _jupyter_types_experimental: matches.map(match => ({ ...match, ...span }))
    }
  };
}

function inspect(content: JsonObject, interpreter: Interpreter): JsonObject {
  const code = String(content.code);
  const text = interpreter.inspect(code, toOffset(code, content.cursor_pos));
  return {
    status: 'ok',
    found: text !== undefined,
    data: text === undefined ? {} : { 'text/plain': text },
    metadata: {}
  };
}

/** Jupyter counts Unicode code points, JavaScript UTF-16 units. */
function toOffset(code: string, cursor: unknown): number {
  if (typeof cursor !== 'number') {
    return code.length;
  }
  return [...code].slice(0, cursor).join('').length;
}

function toCursor(code: string, offset: number): number {
  return [...code.slice(0, offset)].length;
}

function failure(ename: string, evalue: string): JsonObject {
  return { status: 'error', ename, evalue, traceback: [] };
}
