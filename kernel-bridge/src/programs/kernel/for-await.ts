/** Detects `for await`: tslab detects awaits by compiler errors, and `for await` does not cause one. */
import * as ts from '@tslab/typescript-for-tslab';

/** Whether `code` has a `for await` outside any function. */
export function hasTopLevelForAwait(code: string): boolean {
  if (!/\bfor\s+await\b/.test(code)) {
    return false;
  }
  const source = ts.createSourceFile('cell.ts', code, ts.ScriptTarget.Latest);
  const search = (node: ts.Node): boolean => {
    if (ts.isFunctionLike(node) || ts.isClassLike(node)) {
      return false;
    }
    if (ts.isForOfStatement(node) && node.awaitModifier) {
      return true;
    }
    return ts.forEachChild(node, search) ?? false;
  };
  return search(source);
}
