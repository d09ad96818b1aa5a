/** The Node package's own tests, with one mutant, in a given order. */
const path = require('node:path');
const own = require('../../kernel-bridge/jest.config.js');

module.exports = {
  ...own,
  rootDir: path.join(__dirname, '..', '..', 'kernel-bridge'),
  testSequencer: path.join(__dirname, 'given-order.cjs'),
  transform: Object.fromEntries(
    Object.entries(own.transform).map(([files, [, options]]) => [
      files,
      [path.join(__dirname, 'transform.cjs'), options]
    ])
  )
};
