/** Formats errors for a notebook: a summary line, and a traceback without the kernel's own frames. */
import { inspect } from 'node:util';

/** Content of Jupyter's `error` message. */
export interface ErrorReport {
  ename: string;
  evalue: string;
  traceback: string[];
}

/** A compiler diagnostic; positions are 0-based. */
export interface Problem {
  line: number;
  character: number;
  length: number;
  code: number;
  text: string;
  /** Absent for the cell itself. */
  file?: string;
}

/** Formats a line of a stack; undefined omits it. */
export type ReadFrame = (line: string) => string | undefined;

/** Also for an error whose properties throw, and after a cell has changed what formatting needs. */
export function reportError(error: unknown, readFrame: ReadFrame): ErrorReport {
  try {
    return formatted(error, readFrame, 0);
  } catch {
    return UNREADABLE;
  }
}

const UNREADABLE: ErrorReport = Object.freeze({
  ename: 'Error',
  evalue: 'an error that cannot be shown',
  traceback: Object.freeze([
    'Error: an error that cannot be shown: reading it throws another one.',
    'Has a cell changed a built-in prototype, such as Array.prototype? Then restart the kernel.'
  ]) as string[]
});

function formatted(
  error: unknown,
  readFrame: ReadFrame,
  depth: number
): ErrorReport {
  if (!isError(error)) {
    const text = typeof error === 'string' ? error : inspect(error);
    return {
      ename: 'Error',
      evalue: text,
      traceback: [`Uncaught ${text}`]
    };
  }
  const ename = error.name || 'Error';
  const evalue = error.message;
  const headline = evalue === '' ? ename : `${ename}: ${evalue}`;
  // Our own errors say how to fix them; their traceback does not help the user.
  if (ename === 'MoEDebuggerError' || ename === 'Interrupted') {
    return { ename, evalue, traceback: [headline] };
  }
  return {
    ename,
    evalue,
    traceback: [
      headline,
      ...stackOf(error, readFrame),
      ...causeOf(error, readFrame, depth)
    ]
  };
}

export function reportProblems(problems: Problem[], code: string): ErrorReport {
  const [first] = problems;
  const more = problems.length - 1;
  const source = code.split('\n');
  return {
    ename: 'TypeScriptError',
    evalue: `${position(first)} - ${first.text}${more > 0 ? ` (and ${more} more)` : ''}`,
    traceback: problems.flatMap(problem => [
      `${position(problem)} - error TS${problem.code}: ${problem.text}`,
      ...(problem.file === undefined
        ? excerpt(source[problem.line], problem)
        : [])
    ])
  };
}

function position({ file, line, character }: Problem): string {
  return `${file ? `${file} ` : ''}${line + 1}:${character + 1}`;
}

/** The line, with a caret under the position. */
function excerpt(line: string | undefined, problem: Problem): string[] {
  if (line === undefined || line.length > 200) {
    return [];
  }
  const label = String(problem.line + 1);
  const carets = Math.max(
    1,
    Math.min(problem.length, line.length - problem.character)
  );
  return [
    `  ${label} | ${line}`,
    `  ${' '.repeat(label.length)} | ${' '.repeat(problem.character)}${'^'.repeat(carets)}`
  ];
}

/** Detects errors of any realm: a `vm` context has an `Error` of its own. */
function isError(value: unknown): value is Error {
  return (
    value instanceof Error ||
    Object.prototype.toString.call(value) === '[object Error]'
  );
}

function stackOf(error: Error, readFrame: ReadFrame): string[] {
  const lines = typeof error.stack === 'string' ? error.stack.split('\n') : [];
  return lines.flatMap(line => readFrame(line) ?? []);
}

/** An error may be its own cause. */
const MAX_CAUSES = 5;

function causeOf(error: Error, readFrame: ReadFrame, depth: number): string[] {
  if (error.cause === undefined || depth >= MAX_CAUSES) {
    return [];
  }
  const { traceback } = formatted(error.cause, readFrame, depth + 1);
  return [`Caused by ${traceback[0]}`, ...traceback.slice(1)];
}
