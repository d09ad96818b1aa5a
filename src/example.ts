/** The first cell of a new notebook, and the suggestion of an empty panel; the last line traces. */
export const EXAMPLE: readonly string[] = [
  "import { loadModel } from 'moe-debugger';",
  '// A folder with an .onnx file, relative to this notebook.',
  "const model = await loadModel('models/demo');",
  "await model.trace('def fib(n):')"
];
