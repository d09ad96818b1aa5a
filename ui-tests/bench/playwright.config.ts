/** Measurements in a browser, with the same server and browser as the tests. */
import { defineConfig } from '@playwright/test';
import tests from '../playwright.config';

export default defineConfig({
  ...tests,
  testDir: __dirname,
  testMatch: /.*\.spec\.ts$/,
  outputDir: '../test-results'
});
