/** Tests of the extension in a simulated page; they sit beside what they test. */
const { default: babel } = require('@jupyterlab/testing/lib/babel-config');
const jupyterlab = require('@jupyterlab/testing/lib/jest-config')(__dirname);

/** Published as ES modules only, which jest reads after a translation. */
const esModules = [
  '@jupyter',
  '@jupyter-widgets',
  '@jupyterlab',
  '@lumino',
  '@microsoft',
  '@rjsf',
  'color',
  'd3-.*',
  'delaunator',
  'exenv-es6',
  'internmap',
  'lib0',
  'marked.*',
  'nanoid',
  'robust-predicates',
  'vega.*',
  'vscode-ws-jsonrpc',
  'y-protocols',
  'yjs'
];

module.exports = {
  ...jupyterlab,
  roots: ['<rootDir>/src'],
  reporters: ['default'],
  testRegex: '\\.spec\\.tsx?$',
  transform: {
    '\\.svg$': '@jupyterlab/testing/lib/jest-raw-loader.js',
    '^.+\\.tsx?$': [
      'ts-jest',
      {
        tsconfig: 'tsconfig.test.json',
        diagnostics: false
      }
    ],
    '^.+\\.m?jsx?$': ['babel-jest', babel]
  },
  transformIgnorePatterns: [`/node_modules/(?!(${esModules.join('|')})/)`]
};
