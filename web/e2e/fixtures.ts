import { test as base, type BrowserContext, type BrowserContextOptions, expect } from '@playwright/test';

import { Mailbox } from './mailbox';
import { type Account, People } from './people';
import type { Credentials, Stack } from './stack';
import { type Visitor, Visitors } from './visitors';
import { Watch } from './watch';

export { expect };

interface Fixtures {
  /** Faults of the pages, with which each test fails; `watch.expect(/status of 400/)` allows one. */
  readonly watch: Watch;
  /** A verified account that is not signed in. */
  readonly account: Account;
  /** A verified account that is signed in on `page`'s device. */
  readonly person: Account;
  /** A superuser who is signed in on `page`'s device. */
  readonly superuser: Account;
  /** Sign in on a device, by default that of `page`, without its pages. */
  readonly signIn: (who: Credentials, device?: BrowserContext) => Promise<void>;
  /** Sign in on `page`'s device as an account that other tests share, to look only. */
  readonly visit: (kind: Visitor) => Promise<Account>;
  /** Another device, such as a second browser, watched like the first. */
  readonly newDevice: (options?: BrowserContextOptions) => Promise<BrowserContext>;
}

interface WorkerFixtures {
  readonly stack: Stack;
  readonly mailbox: Mailbox;
  readonly people: People;
  readonly visitors: Visitors;
  /** The User-Agent of the browser, which requests without a page have too. */
  readonly agent: string;
}

export const test = base.extend<Fixtures, WorkerFixtures>({
  stack: [
    async ({}, use) => {
      await use(JSON.parse(process.env['STACK'] ?? '') as Stack);
    },
    { scope: 'worker' },
  ],
  mailbox: [({ stack }, use) => use(new Mailbox(stack.mailbox, stack.url)), { scope: 'worker' }],
  people: [({ stack, mailbox }, use) => use(new People(stack, mailbox)), { scope: 'worker' }],
  visitors: [({ people, agent }, use) => use(new Visitors(people, agent)), { scope: 'worker' }],
  agent: [
    async ({ browser }, use) => {
      const page = await browser.newPage();
      const agent = await page.evaluate(() => navigator.userAgent);
      await page.close();
      await use(agent);
    },
    { scope: 'worker' },
  ],
  baseURL: ({ stack }, use) => use(stack.url),
  watch: [
    async ({ context, baseURL }, use) => {
      const watch = new Watch(baseURL ?? '');
      await watch.follow(context);
      await use(watch);
      expect(watch.found()).toEqual([]);
    },
    { auto: true },
  ],
  signIn: async ({ context, people, agent }, use) => {
    await use((who, device = context) => people.signIn(who, device, agent));
  },
  visit: async ({ context, visitors }, use) => {
    await use((kind) => visitors.visit(context, kind));
  },
  account: async ({ people }, use) => {
    await use(await people.open());
  },
  person: async ({ people, signIn }, use) => {
    const account = await people.open();
    await signIn(account);
    await use(account);
  },
  superuser: async ({ people, signIn }, use) => {
    const account = await people.open({ superuser: true });
    await signIn(account);
    await use(account);
  },
  newDevice: async ({ browser, contextOptions, baseURL, locale, timezoneId, viewport, watch }, use) => {
    const devices: BrowserContext[] = [];
    await use(async (options) => {
      const own = { ...contextOptions, baseURL, locale, timezoneId, viewport, ...options };
      const device = await browser.newContext(own);
      await watch.follow(device);
      devices.push(device);
      return device;
    });
    for (const device of devices) await device.close();
  },
});
