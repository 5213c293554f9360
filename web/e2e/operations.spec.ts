import { randomUUID } from 'node:crypto';

import type { Page } from '@playwright/test';

import { expect, test as base } from './fixtures';
import { RunningStack } from './stack';

interface Own {
  /** A stack that no other file uses: dead letters are those of all, and the web process stops. */
  readonly own: RunningStack;
}

const test = base.extend<object, Own>({
  own: [
    async ({}, use) => {
      const own = await RunningStack.start('operations');
      await use(own);
      await own.stop();
    },
    { scope: 'worker', timeout: 180_000 },
  ],
  stack: [({ own }, use) => use(own.stack), { scope: 'worker' }],
});
test.describe.configure({ mode: 'default' }); // one stack, in which one test at a time makes dead letters

const TOPIC = 'notifications.requested';

test.beforeEach(async ({ people, signIn }) => {
  await signIn(await people.open({ superuser: true }));
  await people.asRoot('POST', '/operations/dead-letters/discard', { all: true });
});

const isLive = (page: Page) => expect(page.getByRole('img', { name: /^Live/ })).toBeVisible();

/** Publish messages as another service does. Without a verified account with this id, they become dead letters. */
function notify(own: RunningStack, user: string, subject: string, count = 1): void {
  own.execute(['web/e2e/notify.py', user, subject, String(count)]);
}

test('a dead letter appears on an open page, and its retry is done when the cause is gone', async ({
  page,
  own,
  people,
  mailbox,
}) => {
  const disabled = await people.open();
  await people.asRoot('PATCH', `/users/${disabled.id}`, { is_active: false });
  await page.goto('/operations/dead-letters');
  await expect(page.getByRole('heading', { name: 'No dead letters' })).toBeVisible();
  await isLive(page);
  notify(own, disabled.id, 'Your order has been sent');
  await page.getByRole('link', { name: TOPIC }).click();
  await expect(page.getByRole('heading', { level: 1, name: TOPIC })).toBeFocused();
  await expect(
    page.getByText('No active account with a confirmed address has this id.').first(),
  ).toBeVisible();
  await page.reload();
  await expect(page.getByText(`${TOPIC}.dead/`).first()).toBeVisible();
  await people.asRoot('PATCH', `/users/${disabled.id}`, { is_active: true });
  await page.getByRole('button', { name: 'Retry', exact: true }).click();
  await expect(page).toHaveURL('/operations/dead-letters');
  await expect(page.getByText('1 dead letter retried.')).toBeVisible();
  await expect(page.getByRole('heading', { name: 'No dead letters' })).toBeVisible();
  await mailbox.subject(disabled.email, /Your order has been sent/);
});

test('dead letters are filtered, and discarded one, some and all', async ({ page, own }) => {
  const one = page.getByRole('button', { name: `Discard ${TOPIC}` });
  const dialog = page.getByRole('dialog');
  await page.goto('/operations/dead-letters');
  await isLive(page);
  notify(own, randomUUID(), 'Not to be sent', 5);
  await expect(one).toHaveCount(5);
  await page.getByRole('combobox', { name: 'Kind' }).selectOption('Task');
  await expect(page.getByRole('heading', { name: 'No dead letter matches' })).toBeVisible();
  await page.getByRole('combobox', { name: 'Kind' }).selectOption('Message');
  await page.getByLabel('Type or topic').fill(TOPIC);
  await page.getByLabel('Type or topic').press('Enter');
  await expect(page).toHaveURL(`/operations/dead-letters?kind=message&type=${TOPIC}`);
  await page.reload();
  await expect(one).toHaveCount(5);

  await one.first().click();
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  await expect(dialog).toHaveCount(0);
  await expect(one).toHaveCount(5);
  await one.first().click();
  await dialog.getByRole('button', { name: 'Discard' }).click();
  await expect(one).toHaveCount(4);
  await expect(page.getByRole('link', { name: TOPIC }).first()).toBeFocused();

  const boxes = page.getByRole('checkbox', { name: `Select ${TOPIC}` });
  await boxes.nth(0).check();
  await boxes.nth(2).check();
  await page.getByRole('button', { name: 'Discard selected' }).click();
  await dialog.getByRole('button', { name: 'Discard' }).click();
  await expect(one).toHaveCount(2);

  await page.getByRole('button', { name: 'Discard all 2' }).click();
  await dialog.getByRole('button', { name: 'Discard' }).click();
  await expect(page.getByText('2 dead letters discarded.')).toBeVisible();
  await page.getByRole('button', { name: 'Clear filters' }).first().click();
  await expect(page.getByRole('heading', { name: 'No dead letters' })).toBeVisible();
});

test('the outbox and the health report show dead letters', async ({ page, context, own, watch }) => {
  watch.expect(/status of 401/); // of what is read before the session is renewed
  await page.goto('/operations/health');
  await expect(page.getByRole('heading', { name: 'Everything works' })).toBeVisible();
  for (const service of ['PostgreSQL', 'Redis', 'Worker', 'Kafka', 'Tasks', 'Consumers', 'Mail server']) {
    const row = page.getByRole('listitem').filter({ has: page.getByText(service, { exact: true }) });
    await expect(row.getByText('Up', { exact: true })).toBeVisible();
  }
  await context.clearCookies({ name: '__Host-access' }); // it ends after minutes
  notify(own, randomUUID(), 'Not to be sent', 2);
  await expect(page.getByRole('heading', { name: 'Degraded' })).toBeVisible(); // by itself
  await expect(page.getByText('PostgreSQL', { exact: true })).toBeVisible();
  await page.getByRole('link', { name: 'Outbox and consumers' }).click();
  await expect(page.getByRole('img', { name: /^Pending events in the last/ })).toBeVisible();
  const consumer = page.getByRole('row').filter({ hasText: `rest-angular.${TOPIC}` });
  await expect(consumer.getByRole('link', { name: `2 dead letters of ${TOPIC}` })).toBeVisible();
  await isLive(page);
  notify(own, randomUUID(), 'Not to be sent');
  await consumer.getByRole('link', { name: `3 dead letters of ${TOPIC}` }).click(); // by itself
  await expect(page).toHaveURL(`/operations/dead-letters?kind=message&type=${TOPIC}`);
  await expect(page.getByText('3 dead letters', { exact: true })).toBeVisible();
});

const WAITING = `
import asyncio, asyncpg, os
async def insert():
    db = await asyncpg.connect(os.environ["DATABASE_URL"])
    await db.execute("insert into outbox_tasks (task, event_id, data, traceparent, attempts, last_error, available_at)"
                     " values ('demo.wait', gen_random_uuid(), '{}', '', 3, 'TimeoutError', now() + interval '1 hour')")
asyncio.run(insert())
`; // no worker runs a task of this name

test('a task that waits is retried and cancelled, and sweeps show their runs', async ({ page, own }) => {
  own.execute(['-c', WAITING]);
  await page.goto('/operations/tasks?state=retrying');
  const task = page.getByRole('listitem').filter({ hasText: 'demo.wait' });
  await expect(task).toContainText('TimeoutError');
  await task.getByRole('button', { name: 'Retry demo.wait now' }).click();
  await expect(page.getByRole('heading', { name: 'No task matches' })).toBeVisible();
  await page.getByRole('button', { name: 'Clear filters' }).first().click();
  await expect(task.getByText('Due', { exact: true })).toBeVisible();
  await task.getByRole('button', { name: 'Cancel demo.wait' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel the task' }).click();
  await expect(task).toHaveCount(0);
  await page.getByRole('link', { name: '1 dead letters of demo.wait' }).click();
  await expect(page.getByText('cancelled by an operator')).toBeVisible();
  await page.getByRole('link', { name: 'Schedules and sweeps' }).click();
  const sweep = page.getByRole('row').filter({ hasText: 'delete_old_mails' });
  await expect(sweep).toContainText('1 min');
});

test('a page recovers by itself when the server is back', async ({ page, own, watch }) => {
  watch.expect(/Failed to load resource: net::ERR_/);
  await page.goto('/operations/outbox');
  const figures = page.getByRole('img', { name: /^Pending events in the last/ });
  await expect(figures).toBeVisible();
  await page.evaluate(() => Object.assign(window, { kept: true }));
  await own.halt();
  const bar = page.getByRole('button', { name: 'Try now' });
  await expect(bar).toBeVisible();
  await expect(figures).toBeVisible();
  await own.resume();
  await expect(bar).toHaveCount(0);
  await page.getByRole('link', { name: 'Health' }).click();
  await expect(page.getByRole('heading', { name: 'Services' })).toBeVisible();
  expect(await page.evaluate(() => 'kept' in window)).toBe(true);
});
