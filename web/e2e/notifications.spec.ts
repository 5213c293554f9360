import type { Page } from '@playwright/test';

import { expect, test } from './fixtures';
import type { People } from './people';

async function notify(people: People, id: string, subject: string, more: object = {}): Promise<void> {
  const content = { kind: 'product.order', subject, text: 'It is on its way.', ...more };
  await people.asRoot('POST', '/notifications/send', { ...content, user_ids: [id] });
}

const bell = (page: Page, name: string | RegExp) => page.getByRole('button', { name, exact: true });
const panel = (page: Page) => page.getByRole('dialog', { name: 'Notifications' });
const isLive = (page: Page) => expect(page.getByRole('img', { name: /^Live/ })).toBeVisible();
const item = (page: Page, subject: string) => page.getByRole('listitem').filter({ hasText: subject });

test('a notification reaches the bell of two tabs; opened it is seen in both, followed it is read', async ({
  context,
  page,
  person,
  people,
}) => {
  await notify(people, person.id, 'First order');
  const second = await context.newPage();
  for (const tab of [page, second]) {
    await tab.goto('/account/password');
    await expect(bell(tab, 'Notifications, 1 new')).toBeVisible();
    await isLive(tab);
  }
  await notify(people, person.id, 'Second order', { link: '/account/sessions?from=mail' });
  await expect(bell(page, 'Notifications, 2 new')).toBeVisible();
  await expect(bell(second, 'Notifications, 2 new')).toBeVisible();
  await expect(page.getByText('One new notification.')).toBeAttached();
  await expect(page.getByRole('button', { name: 'Open', exact: true })).toBeVisible(); // the pop-up

  await bell(page, /^Notifications/).click();
  await expect(panel(page).getByRole('heading', { name: 'Notifications' })).toBeFocused();
  await expect(item(page, 'Second order').getByText('Unread')).toBeAttached();
  for (const tab of [page, second]) await expect(bell(tab, 'Notifications')).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(panel(page)).toHaveCount(0);
  await expect(bell(page, 'Notifications')).toBeFocused();

  await bell(second, 'Notifications').click();
  await notify(people, person.id, 'Third order'); // while the panel is open
  await expect(item(second, 'Third order')).toBeVisible();
  await panel(second)
    .getByRole('link', { name: /Second order/ })
    .click();
  await expect(second).toHaveURL('/account/sessions?from=mail');
  await expect(second.getByRole('heading', { level: 1 })).toBeFocused();
  await expect
    .poll(async () => (await context.request.get('/api/notifications?unread=true')).text())
    .not.toContain('Second order');
  await bell(second, 'Notifications').click();
  await panel(second).getByRole('button', { name: 'Mark all as read' }).click();
  await expect(panel(second).getByText('Unread:')).toHaveCount(0);
  await expect
    .poll(async () => (await context.request.get('/api/notifications/counts')).json() as Promise<unknown>)
    .toEqual({ unseen: 0, unread: 0 });
});

test('the list on a phone: filters, more, what was shown is read, and one is deleted', async ({
  page,
  person,
  people,
}) => {
  await page.setViewportSize({ width: 360, height: 740 });
  for (let number = 1; number <= 22; number++) await notify(people, person.id, `Order ${String(number)}.`);
  await page.goto('/notifications');
  await expect(item(page, 'Order 22.')).toBeVisible();
  await page.getByRole('combobox', { name: 'Kind' }).selectOption('Product');
  await expect(page).toHaveURL('/notifications?kind=product');
  await expect(page.getByText('20 of 22')).toBeVisible();
  await page.getByRole('button', { name: 'Mark 20 as read' }).click();
  await page.getByRole('button', { name: 'Unread', exact: true }).click();
  await expect(page).toHaveURL('/notifications?kind=product&unread=true');
  await expect(page.getByText('2 of 2', { exact: true })).toBeVisible(); // those that were not shown
  await page.getByRole('button', { name: 'Mark as read: Order 2.' }).click();
  await expect(item(page, 'Order 2.')).toHaveCount(0);
  await page.getByRole('button', { name: 'Unread', exact: true }).click();
  await page.getByRole('button', { name: 'Mark as unread: Order 22.' }).click();
  await expect(page.getByRole('button', { name: 'Mark as read: Order 22.' })).toBeVisible();
  await page.getByRole('button', { name: 'Show more' }).click();
  await expect(page.getByText('22 of 22')).toBeVisible();
  await page.getByRole('button', { name: 'Delete: Order 22.' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await expect(item(page, 'Order 22.')).toHaveCount(0);
  await expect(page.getByText('21 of 21')).toBeVisible();
});

test('settings are saved at once, merged with those of another window, and taken back if that fails', async ({
  page,
  person,
  watch,
  context,
}) => {
  expect(person.id).not.toBe('');
  watch.expect(/status of 412/);
  watch.expect(/ERR_FAILED/);
  await page.goto('/account/notifications');
  await expect(page.getByRole('row', { name: /^Security/ }).getByRole('checkbox')).toHaveCount(1); // of three
  const other = await context.newPage();
  await other.goto('/account/notifications');
  const mail = (tab: Page, group: string) => tab.getByRole('combobox', { name: `${group}, E-mail` });
  await mail(page, 'Product').selectOption('In a digest');
  await expect(page.getByText('Saved.')).toBeVisible();
  await page.getByRole('combobox', { name: 'Time', exact: true }).selectOption('7');
  await expect(page.getByText('Saved.')).toBeVisible();

  await mail(other, 'Account').selectOption('Off'); // another one: both are kept
  await expect(other.getByText('Saved.')).toBeVisible();
  await expect(mail(other, 'Product')).toHaveValue('digest');
  await mail(page, 'Account').selectOption('In a digest'); // the same one
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('radio', { name: /In a digest/ }).check();
  await dialog.getByRole('button', { name: 'Save again' }).click();
  await expect(page.getByText('Saved.')).toBeVisible();
  const stored = await (await context.request.get('/api/notifications/preferences')).text();
  expect(stored).toContain('"group":"account","channel":"mail","value":"digest"');
  expect(stored).toContain('"hour":7');

  await page.route('**/api/notifications/preferences', (route) =>
    route.request().method() === 'PUT' ? route.abort() : route.continue(),
  );
  const popUp = page.getByRole('checkbox', { name: 'Product, Pop-up' });
  await popUp.click();
  await expect(page.getByText('The server did not answer')).toBeVisible();
  await expect(popUp).toBeChecked();
});

test('the link in a mail stops the mails of this kind, for a guest, and a wrong one says so', async ({
  page,
  account,
  people,
  mailbox,
  watch,
}) => {
  watch.expect(/status of 400/);
  await notify(people, account.id, 'Your order');
  const link = await mailbox.link(account.email, 'unsubscribe');
  await page.goto(link);
  await expect(page.getByText('You will get no more e-mails about: Product.')).toBeVisible();
  await expect(page).toHaveURL('/unsubscribe'); // without the token
  const value = async () => JSON.stringify(await people.as(account, 'GET', '/notifications/preferences'));
  const off = '"group":"product","channel":"mail","value":"off"';
  expect(await value()).not.toContain(off);
  await page.getByRole('button', { name: 'Stop the e-mails' }).click();
  await expect(page.getByRole('heading', { name: 'The e-mails are stopped' })).toBeVisible();
  expect(await value()).toContain(off);
  await page.getByRole('link', { name: 'Notification settings' }).click();
  await expect(page).toHaveURL(/\/sign-in\?next=%2Faccount%2Fnotifications/);

  await page.goto(link.slice(0, -3));
  await expect(page.getByRole('heading', { name: 'This link does not work' })).toBeVisible();
  await page.goto('/unsubscribe');
  await expect(page.getByRole('heading', { name: 'Open the link again' })).toBeVisible();
});
