import { expect, test } from './fixtures';

test('a guest signs in and returns to the page that was asked for', async ({ page, account }) => {
  await page.goto('/account/sessions');
  await expect(page).toHaveURL('/sign-in?next=%2Faccount%2Fsessions');
  await page.getByLabel('E-mail').fill(account.email);
  await page.getByLabel('Password', { exact: true }).fill(account.password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page).toHaveURL('/account/sessions');
  await expect(page.getByText('This device')).toBeVisible();
  await page.reload();
  await expect(page.getByRole('heading', { name: 'Sessions and devices' })).toBeVisible();
});

test('a wrong password is refused, and what was typed stays', async ({ page, account, watch }) => {
  watch.expect(/status of 400/);
  await page.goto('/sign-in');
  await page.getByLabel('E-mail').fill(account.email);
  await page.getByLabel('Password', { exact: true }).fill('not the password');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByRole('alert')).toBeVisible();
  await expect(page.getByLabel('E-mail')).toHaveValue(account.email);
});

test('a session that is ended on another device asks to sign in again', async ({
  page,
  person,
  newDevice,
  signIn,
  watch,
}) => {
  watch.expect(/status of 401 .*\/api\/auth\/refresh/); // the phone asks whether its session goes on
  const phone = await newDevice({ viewport: { width: 360, height: 740 } });
  await signIn(person, phone);
  await page.goto('/account/sessions');
  await expect(page.getByRole('listitem').filter({ hasText: 'Signed in' })).toHaveCount(2);
  await page.getByRole('button', { name: 'End all others' }).click();
  await page.getByRole('button', { name: 'End them' }).click();
  await expect(page.getByText('No other device is signed in.')).toBeVisible();
  const other = await phone.newPage();
  await other.goto('/account/sessions');
  await expect(other.getByRole('heading', { name: 'Sign in' })).toBeVisible();
});

test('signing out reaches the other tabs', async ({ context, page, person, watch }) => {
  watch.expect(/status of 401/); // of what a page reads in that moment
  await page.goto('/account/sessions');
  const second = await context.newPage();
  await second.goto('/account/sessions');
  await second.getByRole('button', { name: person.email }).click();
  await second.getByRole('menuitem', { name: 'Sign out' }).click();
  for (const tab of [page, second]) await expect(tab).toHaveURL(/\/sign-in/);
});
