/** Errors as a notebook shows them: what went wrong in one line, and where, without the kernel's own frames. */
import { inspect } from 'node:util';

/** Content of Jupyter's `error` message. */
export interface ErrorReport {
  ename: string;
  evalue: string;
  traceback: string[];
}

/** A compiler diagnostic; positions count from zero. */
export interface Problem {
  line: number;
  character: number;
  length: number;
  code: number;
  text: string;
  /** Absent when it lies in the cell itself. */
  file?: string;
}

/** `internal` names the folders whose frames are left out. */
export function reportError(
  error: unknown,
  internal: string[],
  depth: number = 0
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
  // Our own errors say what to do; the way they came is of no use to a reader.
  if (ename === 'MoEDebuggerError' || ename === 'Interrupted') {
    return { ename, evalue, traceback: [headline] };
  }
  return {
    ename,
    evalue,
    traceback: [
      headline,
      ...stackOf(error, internal),
      ...causeOf(error, internal, depth)
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

/** The line and a caret under what is wrong. */
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

/** An error of any realm: a `vm` context has an `Error` of its own. */
function isError(value: unknown): value is Error {
  return (
    value instanceof Error ||
    Object.prototype.toString.call(value) === '[object Error]'
  );
}

function stackOf(error: Error, internal: string[]): string[] {
  const lines = typeof error.stack === 'string' ? error.stack.split('\n') : [];
  return lines
    .filter(line => /^\s+at /.test(line))
    .filter(
      line =>
        !/\(?node:/.test(line) &&
        !internal.some(folder => line.includes(folder))
    )
    .map(line => line.replace(/evalmachine\.<anonymous>/, 'cell'));
}

/** An error may be its own cause. */
const MAX_CAUSES = 5;

function causeOf(error: Error, internal: string[], depth: number): string[] {
  if (error.cause === undefined || depth >= MAX_CAUSES) {
    return [];
  }
  const { traceback } = reportError(error.cause, internal, depth + 1);
  return [`Caused by ${traceback[0]}`, ...traceback.slice(1)];
}
