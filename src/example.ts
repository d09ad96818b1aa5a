/** The first cell of a new notebook, and what an empty panel suggests; each line is a statement. */
export const EXAMPLE: readonly string[] = [
  "import { loadModel } from 'moe-debugger';",
  "const model = await loadModel('models/demo');",
  "await model.trace('def fib(n):')"
];
