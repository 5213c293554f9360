import { expect, test } from './fixtures';

test('a person who leaves can come back and keep the account', async ({ page, person, mailbox, watch }) => {
  watch.expect(/status of 403/);
  await page.goto('/account/profile');
  await page.getByRole('link', { name: 'Delete the account' }).click();
  await page.getByLabel('Current password').fill('not the password');
  await page.getByRole('button', { name: 'Delete my account' }).click();
  await expect(page.getByText(/^The current password is/)).toBeVisible();
  await page.getByLabel('Current password').fill(person.password);
  await page.getByRole('button', { name: 'Delete my account' }).click();
  await expect(page.getByRole('heading', { name: 'Your account will be deleted' })).toBeVisible();
  await expect(page.getByText(/Your data is deleted on \d+ \w+ \d{4}\./)).toBeVisible();
  await mailbox.subject(person.email, /delet/i);
  await page.getByRole('link', { name: 'Sign in and keep it' }).click();
  await page.getByLabel('E-mail').fill(person.email);
  await page.getByLabel('Password', { exact: true }).fill(person.password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByText('Your account stays', { exact: false })).toBeVisible();
});
