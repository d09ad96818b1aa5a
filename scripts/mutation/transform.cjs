/**
 * ts-jest, for files of which one is mutated on its way to the test. The file itself is never written, so nothing has
 * to be put back, and the other files come from jest's cache.
 */
const { pathToFileURL } = require('node:url');
const tsJest = require('ts-jest').default;

const mutant = JSON.parse(process.env.MOE_DEBUGGER_MUTANT ?? 'null');

/** @type {import('@jest/transform').TransformerCreator} */
exports.createTransformer = options => {
  const plain = tsJest.createTransformer(options);
  const text = (source, file) =>
    mutant && pathToFileURL(file).href === mutant.url
      ? source.slice(0, mutant.start) +
        mutant.replacement +
        source.slice(mutant.end)
      : source;
  return {
    getCacheKey: (source, file, rest) =>
      plain.getCacheKey(text(source, file), file, rest),
    process: (source, file, rest) =>
      plain.process(text(source, file), file, rest)
  };
};
