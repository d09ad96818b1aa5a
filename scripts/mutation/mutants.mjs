/**
 * Mutants of a source file: Stryker's standard set, and calls whose result nobody reads taken out, which Stryker does
 * not do (`tokens.add(token);` becomes `;`).
 */
import { readFileSync } from 'node:fs';
import { createInstrumenter } from '@stryker-mutator/instrumenter';
import { createInjector } from 'typed-inject';
import typescript from 'typescript';
import { inRoot } from '../paths.mjs';

/**
 * @typedef {object} Mutant
 * @property {string} file relative to the root, with `/`
 * @property {string} kind the mutator's name
 * @property {number} start
 * @property {number} end offsets in the file of what is replaced
 * @property {number} line from 1
 * @property {string} original
 * @property {string} replacement
 */

/** Texts of messages and names of fields: a test that repeats each of them would be a copy of the code. */
const LEFT_OUT = ['StringLiteral'];

const quiet = {
  isDebugEnabled: () => false,
  debug() {},
  info() {},
  warn: console.warn
};

/** @returns {Promise<Mutant[]>} in the order of the file */
export async function mutantsOf(file) {
  const text = readFileSync(inRoot(file), 'utf8');
  const source = typescript.createSourceFile(
    file,
    text,
    typescript.ScriptTarget.Latest,
    true
  );
  const at = ({ start, end, kind, replacement }) => ({
    file,
    kind,
    start,
    end,
    line: source.getLineAndCharacterOfPosition(start).line + 1,
    original: text.slice(start, end),
    replacement
  });
  return [...(await standard(file, text, source)), ...withoutCalls(source)]
    .map(at)
    .sort((a, b) => a.start - b.start || a.end - b.end);
}

async function standard(file, content, source) {
  const { mutants } = await createInjector()
    .provideValue('logger', quiet)
    .provideValue('options', {})
    .injectFunction(createInstrumenter)
    .instrument([{ name: inRoot(file), content, mutate: true }], {
      excludedMutations: LEFT_OUT,
      ignorers: [],
      plugins: null
    });
  const offset = ({ line, column }) =>
    source.getPositionOfLineAndCharacter(line, column);
  return mutants
    .filter(({ status }) => status !== 'Ignored')
    .map(({ mutatorName, location, replacement }) => ({
      kind: mutatorName,
      start: offset(location.start),
      end: offset(location.end),
      replacement
    }));
}

function withoutCalls(source) {
  const found = [];
  const visit = node => {
    if (
      typescript.isExpressionStatement(node) &&
      (typescript.isCallExpression(node.expression) ||
        (typescript.isAwaitExpression(node.expression) &&
          typescript.isCallExpression(node.expression.expression))) &&
      !isSuper(node.expression)
    ) {
      found.push({
        kind: 'CallStatement',
        start: node.getStart(source),
        end: node.getEnd(),
        replacement: ';'
      });
    }
    typescript.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

/** A class does not work without the call of its base class, whatever the tests. */
function isSuper(expression) {
  return expression.expression.kind === typescript.SyntaxKind.SuperKeyword;
}
