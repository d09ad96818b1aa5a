/** Specs sit beside what they test; the engine's worker runs from `lib`, so build before testing. */
// Specs see a copy of the environment; what starts them has the real one, which onnxruntime reads.
process.env.ORT_DISABLE_TELEMETRY ||= '1';

module.exports = {
  testEnvironment: 'node',
  roots: ['<rootDir>/src', '<rootDir>/test'],
  // Loading models takes as long as the machine is busy.
  testTimeout: 240000,
  testRegex: '\\.spec\\.ts$',
  transform: {
    '^.+\\.ts$': [
      'ts-jest',
      { tsconfig: 'tsconfig.test.json', diagnostics: false }
    ]
  }
};
