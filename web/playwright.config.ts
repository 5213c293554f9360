import { existsSync } from 'node:fs';

import { defineConfig } from '@playwright/test';

// Chromium without its window takes a fifth less time than the whole browser, which stands in for it.
const SHELL = '/usr/bin/chromium-headless-shell';
const CHROMIUM = process.env['CHROMIUM'] ?? (existsSync(SHELL) ? SHELL : '/usr/bin/chromium');

// `journeys` are what people do; `pages` looks at each page by itself. Both use one stack, which stack.setup.ts starts.
export default defineConfig({
  testDir: 'e2e',
  outputDir: 'test-results',
  globalSetup: './e2e/stack.setup.ts',
  fullyParallel: true,
  forbidOnly: 'CI' in process.env,
  retries: 0, // a test that fails once is a defect
  workers: 2,
  // Limits for a slow machine, which end a test that waits for nothing.
  timeout: 120_000,
  expect: { timeout: 30_000 },
  reporter: 'list',
  use: {
    browserName: 'chromium',
    launchOptions: { executablePath: CHROMIUM },
    locale: 'en-GB',
    timezoneId: 'Europe/Berlin',
    reducedMotion: 'reduce',
    viewport: { width: 1280, height: 800 },
    trace: { mode: 'retain-on-failure', screenshots: false }, // pictures of each step cost more than the step
  },
  projects: [
    { name: 'journeys', testIgnore: 'pages.spec.ts' },
    { name: 'pages', testMatch: 'pages.spec.ts', timeout: 360_000, use: { trace: 'off' } },
  ],
});
