import { AxeBuilder } from '@axe-core/playwright';
import type { Page } from '@playwright/test';

import { expect, test } from './fixtures';
import { ROUTES } from './routes';
import { openTier } from './tiers';

const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];
const THEMES = ['light', 'dark'] as const;
const SIZES = [
  { width: 360, height: 740 },
  { width: 1280, height: 800 },
];
// Of 1280 px at 400 % (WCAG 2.2, 1.4.10), and of a large screen.
const WIDTHS = [320, 2560];

for (const { name, path, as } of ROUTES) {
  for (const language of ['en', 'de']) {
    test(`${name} in ${language}`, async ({ page, people, signIn }) => {
      let id = '';
      if (as !== 'guest') {
        const account = await people.open({ superuser: as === 'superuser', name: 'Ada Lovelace' });
        await signIn(account);
        id = account.id;
      }
      // As a choice of this window, which comes before the language of the account.
      await page.addInitScript((code) => {
        localStorage.setItem('language', code);
        sessionStorage.setItem('language', code);
      }, language);
      const tier = path.includes('{tier}') ? await openTier(people, id) : '';
      await page.goto(path.replace('{id}', id).replace('{tier}', tier));
      await settle(page);
      for (const size of SIZES) {
        await page.setViewportSize(size);
        for (const colorScheme of THEMES) {
          await page.emulateMedia({ colorScheme });
          await settle(page);
          const variant = `${name}-${language}-${colorScheme}-${size.width}`;
          await page.screenshot({ path: `screenshots/${variant}.png`, animations: 'disabled' });
          const { violations } = await new AxeBuilder({ page }).setLegacyMode().withTags(TAGS).analyze();
          const found = violations.flatMap(({ id, impact, nodes }) =>
            nodes.map(({ html, failureSummary }) => `${id} (${impact}): ${html}\n${failureSummary}`),
          );
          expect.soft(found, variant).toEqual([]);
          await expectNoSidewaysScroll(page, variant);
        }
      }
      for (const width of WIDTHS) {
        await page.setViewportSize({ width, height: width === 320 ? 256 : 1440 });
        await settle(page);
        await expectNoSidewaysScroll(page, `${name}-${language}-${String(width)}`);
      }
    });
  }
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
