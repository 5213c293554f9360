import { violations } from './axe';
import { expect, test } from './fixtures';

test('a mail is looked at without its link, and sent again', async ({
  page,
  people,
  signIn,
  mailbox,
  watch,
}) => {
  watch.expect(/Blocked script execution in '.*' because the document's frame is sandboxed/); // those of Playwright
  await signIn(await people.open({ superuser: true }));
  await page.goto('/operations/mails');
  await expect(page.getByRole('img', { name: /^Live/ })).toBeVisible();
  const account = await people.open({ verified: false });
  await expect(page.getByRole('listitem').filter({ hasText: account.email })).toBeVisible(); // by itself
  const first = await mailbox.link(account.email, 'verify');
  const token = first.split('#token=')[1] ?? '';
  const recipient = page.getByRole('searchbox', { name: 'Recipient: address or account id' });
  await recipient.fill('nothing');
  await recipient.press('Enter');
  await expect(page.getByText('Give a complete address, or the id of an account.')).toBeVisible();
  await recipient.fill(account.email.toUpperCase());
  await recipient.press('Enter');
  const row = page.getByRole('listitem').filter({ hasText: account.email });
  await expect(row).toHaveCount(1);
  await expect(row.getByText('Sent', { exact: true })).toBeVisible();
  await row.getByRole('link', { name: 'Confirm the address' }).click();

  await expect(page.getByRole('heading', { level: 1, name: 'Confirm the address' })).toBeFocused();
  await expect(page.getByText(/can be used/)).toBeVisible();
  const picture = page.frameLocator('iframe');
  await expect(picture.getByText('An account was created with this address.')).toBeVisible();
  await expect(picture.locator('[href], [src], script')).toHaveCount(0);
  await page.getByRole('button', { name: 'As text' }).click();
  await expect(page.getByRole('region', { name: 'As text' })).toContainText('/verify …]');
  expect(await page.content()).not.toContain(token);
  expect(await violations(page)).toEqual([]);

  await page.getByRole('button', { name: 'Send again' }).click();
  const dialog = page.getByRole('dialog');
  await expect(dialog).toContainText(account.email);
  await dialog.getByRole('button', { name: 'Send again' }).click();
  await expect(page.getByText('the earlier mail')).toBeVisible();
  await expect(page.getByRole('status').getByText('Sent', { exact: true })).toBeVisible();
  const second = await mailbox.link(account.email, 'verify', first);

  await page.goto(second);
  await page.getByRole('button', { name: /Confirm/ }).click();
  await expect(page.getByText(/confirmed/i).first()).toBeVisible();
  await page.goto('/operations/mails?recipient=' + account.email);
  await page.getByRole('link', { name: 'Confirm the address' }).first().click();
  await expect(page.getByText('It cannot be sent again: its link was used or is void.')).toBeVisible();
  await expect(page.getByRole('button', { name: 'Send again' })).toHaveAttribute('aria-disabled', 'true');
});

test('a log level is set for a time, and reset', async ({ page, people, superuser }) => {
  await page.goto('/operations/log-level');
  await page.getByRole('combobox', { name: 'Loggers' }).selectOption('api.notifications');
  await page.getByRole('radio', { name: /^DEBUG/ }).check();
  await page.getByRole('combobox', { name: 'For' }).selectOption('5 minutes');
  await page.getByRole('button', { name: 'Set the level' }).click();
  const change = page.getByRole('listitem').filter({ hasText: 'api.notifications' });
  await expect(change).toContainText(/DEBUG.*resets in 4:\d\d.*set by/);
  await expect(change).toContainText(superuser.email);
  // What others change appears by itself.
  await people.asRoot('PATCH', '/operations/log-level', { level: null, logger: 'api.notifications' });
  await expect(change).toHaveCount(0);
  const again = { level: 'ERROR', logger: 'api.notifications', minutes: 5 };
  await people.asRoot('PATCH', '/operations/log-level', again);
  await expect(change).toContainText('ERROR');
  await page.reload();
  await change.getByRole('button', { name: 'Reset api.notifications' }).click();
  await expect(change).toHaveCount(0);
  await expect(page.getByText('The level was reset.')).toBeVisible();
});
