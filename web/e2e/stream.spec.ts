import type { BrowserContext, Page } from '@playwright/test';

import { expect, test as base } from './fixtures';
import { WebProcess } from './server';

/** Tests on a web process of their own, which they may kill. */
const test = base.extend<object, { web: WebProcess }>({
  web: [
    async ({ stack }, use) => {
      const web = await WebProcess.start(stack, 'stream');
      await use(web);
      await web.kill();
    },
    { scope: 'worker', timeout: 120_000 },
  ],
  baseURL: ({ web }, use) => use(web.url),
});

test.describe.configure({ mode: 'default' }); // one process, one test at a time

const dot = (page: Page, name: RegExp) => page.getByRole('img', { name });
const isLive = (page: Page) => expect(dot(page, /^Live/)).toBeVisible();
/** The requests for the stream that a device sends from now on. */
function countStreams(device: BrowserContext): { count: number } {
  const found = { count: 0 };
  device.on('request', (request) => {
    if (new URL(request.url()).pathname === '/api/events') found.count++;
  });
  return found;
}

test('nine tabs share one stream: all are live, also after the one that reads it is closed', async ({
  context,
  page,
  person,
  newDevice,
  signIn,
}) => {
  const streams = countStreams(context);
  const tabs = [page];
  while (tabs.length < 9) tabs.push(await context.newPage());
  await Promise.all(tabs.map((tab) => tab.goto('/account/sessions')));
  for (const tab of tabs) await isLive(tab);
  expect(streams.count).toBe(1);
  const devices = (tab: Page) => tab.getByRole('listitem').filter({ hasText: 'Signed in' });
  for (const tab of tabs) await expect(devices(tab)).toHaveCount(1);
  await signIn(person, await newDevice());
  // A page out of sight reads when it is seen; Chromium without windows shows all of them.
  for (const tab of tabs) await expect(devices(tab)).toHaveCount(2);
  const held = await page.evaluate(() => navigator.locks.query());
  expect(held.held?.filter(({ name }) => name?.startsWith('events'))).toHaveLength(1);
  for (const tab of tabs.slice(0, 6)) await tab.close(); // among them, in most runs, the one that reads
  await signIn(person, await newDevice());
  for (const tab of tabs.slice(6)) {
    await expect(devices(tab)).toHaveCount(3);
    await isLive(tab);
  }
});

test('a session that is ended elsewhere asks to sign in at once, in all tabs', async ({
  context,
  page,
  person,
  newDevice,
  signIn,
}) => {
  await page.goto('/account/activity');
  const second = await context.newPage();
  await second.goto('/');
  for (const tab of [page, second]) await isLive(tab);
  const other = await newDevice();
  await signIn(person, other);
  const remote = await other.newPage();
  await remote.goto('/account/sessions');
  await remote.getByRole('button', { name: 'End all others' }).click();
  await remote.getByRole('button', { name: 'End them' }).click();
  for (const tab of [page, second]) await expect(tab).toHaveURL(/\/sign-in\?.*ended=true/);
  await isLive(remote);
});

test('lists of administrators update themselves, and keep what was loaded and where the focus is', async ({
  page,
  superuser,
  people,
}) => {
  await page.goto('/people');
  await expect(page.getByRole('link', { name: superuser.email })).toBeVisible();
  await isLive(page);
  const search = page.getByRole('searchbox');
  await search.focus();
  const created = await people.open();
  await expect(page.getByRole('link', { name: created.email })).toBeVisible();
  await expect(search).toBeFocused();
});

test('the web process is killed and comes back: the dot shows it, and what was missed arrives', async ({
  page,
  person,
  newDevice,
  signIn,
  stack,
  watch,
  web,
}) => {
  watch.expect(/ERR_(CONNECTION_REFUSED|CONNECTION_RESET|EMPTY_RESPONSE|INCOMPLETE_CHUNKED_ENCODING)/);
  await page.goto('/account/sessions');
  await isLive(page);
  const devices = page.getByRole('listitem').filter({ hasText: 'Signed in' });
  await expect(devices).toHaveCount(1);
  await web.kill();
  await expect(dot(page, /^Connecting/)).toBeVisible();
  await signIn(person, await newDevice({ baseURL: stack.url })); // at the stack's own web process
  await web.again();
  await expect(devices).toHaveCount(2);
  await isLive(page);
});
