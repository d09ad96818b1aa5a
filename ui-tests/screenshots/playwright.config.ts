/** Pictures for the documentation: `npx playwright test -c ui-tests/screenshots` writes docs/images. */
import { defineConfig } from '@playwright/test';
import tests from '../playwright.config';

export default defineConfig({
  ...tests,
  testDir: __dirname,
  outputDir: '../test-results'
});
