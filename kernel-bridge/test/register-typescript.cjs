/**
 * Lets a plain Node process require this package's TypeScript sources: `node --require ./test/register-typescript.cjs`.
 * For processes that a test starts and watches; types are checked elsewhere.
 */
const { readFileSync } = require('node:fs');
const typescript = require('typescript');

require.extensions['.ts'] = (module, filename) => {
  const { outputText } = typescript.transpileModule(
    readFileSync(filename, 'utf8'),
    {
      fileName: filename,
      compilerOptions: {
        module: typescript.ModuleKind.CommonJS,
        target: typescript.ScriptTarget.ES2022,
        esModuleInterop: true,
        inlineSourceMap: true
      }
    }
  );
  module._compile(outputText, filename);
};
