import type { Page } from '@playwright/test';

import { violations } from './axe';
import { expect, test } from './fixtures';
import { ROUTES } from './routes';
import { subjects } from './subjects';

const LANGUAGES = ['en', 'de'] as const;
const THEMES = ['light', 'dark'] as const;
const SIZES = [
  { width: 360, height: 740 },
  { width: 1280, height: 800 },
];
// Of 1280 px at 400 % (WCAG 2.2, 1.4.10), and of a large screen.
const WIDTHS = [320, 2560];

for (const { name, path, as } of ROUTES) {
  test(name, async ({ page, people, visit }) => {
    for (const language of LANGUAGES) {
      // No page of the last visitor asks for anything, and the next one is no change of the fragment alone.
      await page.goto('about:blank');
      const account = as === 'guest' ? undefined : await visit({ superuser: as === 'superuser', language });
      const ids = account ? await subjects(path, account, people) : {};
      await page.addInitScript((code) => {
        if (location.protocol !== 'about:') localStorage.setItem('language', code);
      }, language);
      await page.goto(path.replace(/{(\w+)}/g, (_, name: string) => ids[name] ?? ''));
      await settle(page);
      expect(await page.evaluate(() => document.documentElement.lang)).toBe(language);
      for (const size of SIZES) {
        await page.setViewportSize(size);
        for (const colorScheme of THEMES) {
          await page.emulateMedia({ colorScheme });
          await computeStyles(page);
          await settle(page);
          const variant = `${name}-${language}-${colorScheme}-${size.width}`;
          await page.screenshot({ path: `screenshots/${variant}.png`, animations: 'disabled' });
          expect.soft(await violations(page), variant).toEqual([]);
          await expectNoSidewaysScroll(page, variant);
        }
      }
      for (const width of WIDTHS) {
        await page.setViewportSize({ width, height: width === 320 ? 256 : 1440 });
        await settle(page);
        await expectNoSidewaysScroll(page, `${name}-${language}-${String(width)}`);
      }
    }
  });
}

/** Have all styles computed from nothing: after a change of the theme Chromium keeps some inherited colours. */
async function computeStyles(page: Page): Promise<void> {
  await page.evaluate(() => {
    document.body.style.display = 'none';
    document.body.getBoundingClientRect();
    document.body.style.display = '';
  });
}

async function expectNoSidewaysScroll(page: Page, variant: string): Promise<void> {
  const wider = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  expect.soft(wider, `${variant} scrolls sideways by that many pixels`).toBeLessThanOrEqual(0);
}

/** Wait until the page shows its content, and nothing moves. */
async function settle(page: Page): Promise<void> {
  await expect(page.locator('h1').first()).toBeVisible();
  await expect(page.locator('app-skeleton')).toHaveCount(0);
  await page.evaluate(async () => {
    await document.fonts.ready;
    await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
    const ending = document
      .getAnimations()
      .filter(({ effect }) => effect?.getComputedTiming().endTime !== Infinity);
    await Promise.allSettled(ending.map(({ finished }) => finished));
  });
}
