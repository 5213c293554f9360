import type { Page } from '@playwright/test';

import { expect, test } from './fixtures';

// A browser opens six connections to a host over HTTP/1.1: a page that keeps one would block the seventh tab.
test('nine tabs of the application load, and each shows its page', async ({ context, page, superuser }) => {
  const paths = ['/account/sessions', '/people', '/audit', '/operations/outbox', '/operations/health'];
  const tabs = [page];
  while (tabs.length < 9) tabs.push(await context.newPage());
  await Promise.all(tabs.map((tab, index) => tab.goto(paths[index % paths.length] ?? '/')));
  for (const tab of tabs) {
    await expect(tab.getByRole('button', { name: superuser.email })).toBeVisible();
    await expect(tab.locator('h1')).toBeVisible();
    await expect(tab.locator('app-skeleton')).toHaveCount(0);
  }
  await page.getByRole('link', { name: 'Sessions and devices' }).click();
  await expect(page.getByText('This device')).toBeVisible();
});

test('back and forward through ten pages restore where each was scrolled, with the focus at its title', async ({
  page,
  person,
}) => {
  await page.setViewportSize({ width: 1280, height: 240 }); // in which each page scrolls
  await page.goto('/account/sessions');
  await expect(page.getByRole('button', { name: person.email })).toBeVisible();
  // Pages that load content, which no other test makes longer or shorter.
  const names = [
    'Sessions and devices',
    'Security activity',
    'Your data',
    'Language and time zone',
    'Profile',
  ];
  const visited: { name: string; top: number }[] = [];
  for (let step = 0; step < 10; step++) {
    const name = names[step % names.length] ?? '';
    if (step) await page.getByRole('link', { name, exact: true }).click();
    await ready(page, name);
    // Further down than a page without its content can be.
    const top = await page.evaluate(() => {
      scrollTo(0, (document.documentElement.scrollHeight - innerHeight) * 0.9);
      return scrollY;
    });
    expect(top).toBeGreaterThan(0);
    visited.push({ name, top });
  }
  const isAsLeft = async ({ name, top }: { name: string; top: number }) => {
    await ready(page, name);
    await expect.poll(async () => Math.abs((await scrolled(page)) - top), name).toBeLessThan(2);
    await expect(page.locator('h1')).toBeFocused();
  };
  for (const left of visited.slice(0, -1).reverse()) {
    await page.goBack();
    await isAsLeft(left);
  }
  for (const left of visited.slice(1)) {
    await page.goForward();
    await isAsLeft(left);
  }
});

test('a page that a link opens starts at its top', async ({ page, superuser }) => {
  await page.setViewportSize({ width: 1280, height: 240 });
  await page.goto('/people');
  await expect(page.getByRole('button', { name: superuser.email })).toBeVisible();
  await ready(page, 'People');
  await page.evaluate(() => scrollTo(0, 10_000));
  await page.getByRole('link', { name: 'Audit log', exact: true }).click();
  await ready(page, 'Audit log');
  await expect.poll(() => scrolled(page)).toBe(0);
});

const scrolled = (page: Page) => page.evaluate(() => scrollY);

/** Wait for a page's heading and content. */
async function ready(page: Page, heading: string): Promise<void> {
  await expect(page.getByRole('heading', { level: 1, name: heading, exact: true })).toBeVisible();
  await expect(page.locator('app-skeleton')).toHaveCount(0);
}
