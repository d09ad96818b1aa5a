/**
 * Detects awaits: tslab detects them by compiler errors, which `for await` and `await (...)` do not cause. Outside a
 * module, the compiler takes the latter for a call of a function `await`, and `await [...]` for one of its elements.
 */
import * as ts from '@tslab/typescript-for-tslab';

/** Whether `code` awaits outside any function. */
export function hasTopLevelAwait(code: string): boolean {
  if (!/\bawait\b/.test(code)) {
    return false;
  }
  const source = ts.createSourceFile('cell.ts', code, ts.ScriptTarget.Latest);
  const search = (node: ts.Node): boolean => {
    if (ts.isFunctionLike(node) || ts.isClassLike(node)) {
      return false;
    }
    if (
      ts.isAwaitExpression(node) ||
      (ts.isForOfStatement(node) && node.awaitModifier) ||
      isCallee(node)
    ) {
      return true;
    }
    return ts.forEachChild(node, search) ?? false;
  };
  return search(source);
}

/** `await` as the compiler reads it before a bracket or a template. */
function isCallee(node: ts.Node): boolean {
  const callee =
    ts.isCallExpression(node) || ts.isElementAccessExpression(node)
      ? node.expression
      : ts.isTaggedTemplateExpression(node)
        ? node.tag
        : undefined;
  return (
    callee !== undefined && ts.isIdentifier(callee) && callee.text === 'await'
  );
}
