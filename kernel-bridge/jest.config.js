/** Specs sit beside what they test; the engine's worker runs from `lib`, so build before testing. */
module.exports = {
  testEnvironment: 'node',
  roots: ['<rootDir>/src', '<rootDir>/test'],
  // Loading models takes as long as the machine is busy.
  testTimeout: 120000,
  testRegex: '\\.spec\\.ts$',
  transform: {
    '^.+\\.ts$': [
      'ts-jest',
      { tsconfig: 'tsconfig.test.json', diagnostics: false }
    ]
  }
};
