import type { Page } from '@playwright/test';

import { expect, test } from './fixtures';

const LIMIT = 150_000; // bytes, compressed, without the font
const ROUNDS = 5;

interface Load {
  /** Milliseconds until the largest text or image of the first window was painted. */
  readonly largest: number;
  /** How much moved after it was painted; 0.1 is what a person notices. */
  readonly shift: number;
}

test('a first visit transfers at most 150 kB and the font', async ({ page }) => {
  const files: { path: string; size: number; coding: string | undefined }[] = [];
  page.on('requestfinished', async (request) => {
    const { responseBodySize: size } = await request.sizes();
    const headers = (await request.response())?.headers();
    files.push({ path: new URL(request.url()).pathname, size, coding: headers?.['content-encoding'] });
  });
  await page.goto('/sign-in');
  await expect(page.getByRole('button', { name: 'Sign in' })).toBeVisible();
  await page.waitForLoadState('networkidle');
  const scripts = files.filter(({ path }) => /\.(js|css)$/.test(path));
  expect(scripts.length).toBeGreaterThan(2);
  expect(scripts.filter(({ coding }) => coding !== 'br')).toEqual([]);
  const [font, ...others] = files.filter(({ path }) => path.endsWith('.woff2'));
  expect(font?.size).toBeLessThan(50_000);
  expect(others).toEqual([]);
  const total = files.reduce((sum, { size }) => sum + size, 0) - (font?.size ?? 0);
  console.log(`First visit: ${String(total)} bytes in ${String(files.length)} files, beside the font`);
  expect(total).toBeLessThanOrEqual(LIMIT);
});

test('the sign-in page is painted soon, and nothing on it moves', async ({ newDevice }) => {
  const best = { page: Infinity, plain: Infinity };
  for (let round = 0; round < ROUNDS; round++) {
    // A browser without a cache each time; a page of text of the same server in the same run is the measure.
    for (const [kind, path] of [
      ['plain', '/api/docs'],
      ['page', '/sign-in'],
    ] as const) {
      const device = await newDevice();
      const { largest, shift } = await load(await device.newPage(), path);
      if (kind === 'page') expect(shift).toBeLessThan(0.1);
      best[kind] = Math.min(best[kind], largest);
      await device.close();
    }
  }
  console.log(`Largest paint: ${best.page.toFixed(0)} ms; of the API's page ${best.plain.toFixed(0)} ms`);
  expect(best.page / best.plain).toBeLessThan(10);
});

async function load(page: Page, path: string): Promise<Load> {
  await page.addInitScript(() => {
    const found = { largest: 0, shift: 0 };
    Object.assign(window, { found });
    new PerformanceObserver((list) => {
      for (const { startTime } of list.getEntries()) found.largest = startTime;
    }).observe({ type: 'largest-contentful-paint', buffered: true });
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries())
        found.shift += (entry as PerformanceEntry & { value: number }).value;
    }).observe({ type: 'layout-shift', buffered: true });
  });
  await page.goto(path);
  await expect(page.locator('h1').first()).toBeVisible();
  await page.waitForLoadState('networkidle');
  await page.waitForFunction(() => (window as unknown as { found: Load }).found.largest > 0);
  return page.evaluate(() => (window as unknown as { found: Load }).found);
}
