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
  superuser,
}) => {
  await page.setViewportSize({ width: 1280, height: 240 }); // in which each page scrolls
  await page.goto('/account/sessions');
  await expect(page.getByRole('button', { name: superuser.email })).toBeVisible();
  const links = ['People', 'Audit log', 'Dead letters', 'Outbox and consumers', 'Sessions and devices'];
  const visited: { path: string; top: number }[] = [];
  for (let step = 0; step < 10; step++) {
    await ready(page);
    // As far down as a page with its content alone can be.
    const top = await page.evaluate(() => {
      scrollTo(0, (document.documentElement.scrollHeight - innerHeight) * 0.9);
      return scrollY;
    });
    expect(top).toBeGreaterThan(0);
    visited.push({ path: new URL(page.url()).pathname, top });
    await page.getByRole('link', { name: links[step % links.length] ?? '', exact: true }).click();
  }
  const isAsLeft = async ({ path, top }: { path: string; top: number }) => {
    await expect(page).toHaveURL(path);
    await ready(page);
    await expect.poll(async () => Math.abs((await scrolled(page)) - top), path).toBeLessThan(2);
    await expect(page.locator('h1')).toBeFocused();
  };
  for (const left of [...visited].reverse()) {
    await page.goBack();
    await isAsLeft(left);
  }
  for (const left of visited.slice(1)) {
    await page.goForward();
    await isAsLeft(left);
  }
});

test('a new page starts at its top', async ({ page, superuser }) => {
  await page.setViewportSize({ width: 1280, height: 240 });
  await page.goto('/people');
  await expect(page.getByRole('button', { name: superuser.email })).toBeVisible();
  await ready(page);
  await page.evaluate(() => scrollTo(0, 10_000));
  await page.getByRole('link', { name: 'Audit log', exact: true }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'Audit log' })).toBeVisible();
  await ready(page);
  expect(await scrolled(page)).toBe(0);
});

const scrolled = (page: Page) => page.evaluate(() => scrollY);

async function ready(page: Page): Promise<void> {
  await expect(page.locator('h1')).toBeVisible();
  await expect(page.locator('app-skeleton')).toHaveCount(0);
}
