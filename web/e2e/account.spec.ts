import type { Page } from '@playwright/test';

import { expect, test } from './fixtures';

const name = (page: Page) => page.getByRole('textbox', { name: /^Name/ });

async function rename(page: Page, to: string): Promise<void> {
  await name(page).fill(to);
  await page.getByRole('button', { name: 'Save', exact: true }).click();
}

test('the start page shows the state of the account', async ({ page, person }) => {
  await page.goto('/');
  await expect(page.getByRole('heading', { name: 'Welcome' })).toBeVisible();
  await expect(page.getByRole('link', { name: /^E-mail address.*Confirmed/ })).toContainText(person.email);
  await expect(page.getByRole('link', { name: /^Sessions and devices 1 session/ })).toBeVisible();
  await page.getByRole('link', { name: /^Last security activity Signed in/ }).click();
  await expect(page).toHaveURL('/account/activity');
});

test('a changed name is shown at once and after a reload, and can be undone', async ({ page, person }) => {
  await page.goto('/account/profile');
  await rename(page, '  Grace   Hopper ');
  await expect(name(page)).toHaveValue('Grace Hopper');
  await expect(page.getByRole('button', { name: 'Save', exact: true })).toBeFocused();
  await page.getByRole('button', { name: `Account: ${person.email}` }).click();
  await expect(page.getByRole('menu')).toContainText('Grace Hopper');
  await page.keyboard.press('Escape');
  await page.reload();
  await expect(name(page)).toHaveValue('Grace Hopper');
  await rename(page, 'Grace');
  await page.getByRole('button', { name: 'Undo' }).click();
  await expect(name(page)).toHaveValue('Grace Hopper');
  await page.getByRole('link', { name: 'Home' }).click();
  await expect(page.getByRole('heading', { name: 'Hello, Grace Hopper' })).toBeVisible();
});

test('a name that the server refuses keeps its text, and says why at the field', async ({
  page,
  account,
  signIn,
  watch,
}) => {
  await signIn(account);
  watch.expect(/status of 422/);
  await page.goto('/account/profile');
  await rename(page, 'Ada\u200bLovelace');
  await expect(page.getByText(/U\+200B .* invisible/)).toBeVisible();
  await expect(name(page)).toHaveAttribute('aria-invalid', 'true');
  await expect(name(page)).toBeFocused();
  await name(page).fill('');
  await name(page).focus();
  await page.keyboard.insertText('😀'.repeat(101)); // as pasting does
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await expect(page.getByText('Enter at most 100 characters.')).toBeVisible();
  await rename(page, '😀'.repeat(100));
  await expect(page.getByText('The name was saved.')).toBeVisible();
});

test('of two changes of a name the person chooses one', async ({ context, page, account, signIn, watch }) => {
  await signIn(account);
  watch.expect(/status of 412/);
  const other = await context.newPage();
  for (const tab of [page, other]) {
    await tab.goto('/account/profile');
    await expect(name(tab)).toBeVisible();
  }
  await rename(other, 'Grace');
  await expect(other.getByText('The name was saved.')).toBeVisible();
  await rename(page, 'Ada');
  const conflict = page.getByRole('alert');
  await expect(conflict).toContainText('Saved there');
  await expect(conflict).toContainText('Grace');
  await expect(conflict).toContainText('Ada');
  await page.getByRole('button', { name: 'Save mine' }).click();
  await expect(conflict).toBeHidden();
  await page.reload();
  await expect(name(page)).toHaveValue('Ada');
  await rename(other, 'Hopper');
  await other.getByRole('button', { name: 'Keep the saved one' }).click();
  await expect(name(other)).toHaveValue('Ada');
});

test('a change of another field is no conflict', async ({ context, page, account, signIn, watch }) => {
  await signIn(account);
  watch.expect(/status of 412/);
  await page.goto('/account/profile');
  await expect(name(page)).toBeVisible();
  const other = await context.newPage();
  await other.goto('/account/preferences');
  await other.getByRole('radio', { name: 'Deutsch' }).check();
  await expect(other.getByRole('heading', { name: 'Sprache und Zeitzone' })).toBeVisible();
  await rename(page, 'Ada');
  await expect(page.getByText('The name was saved.')).toBeVisible();
});

test('a changed password ends other sessions, and the old one is refused', async ({
  page,
  person,
  newDevice,
  signIn,
  watch,
}) => {
  watch.expect(/status of 40[01]/);
  const phone = await newDevice();
  await signIn(person, phone);
  const elsewhere = await phone.newPage();
  await elsewhere.goto('/account/profile');
  await page.goto('/account/password');
  const next = `${person.password} two`;
  await page.getByLabel('Current password').fill('not the password');
  await page.getByLabel('New password').fill(next);
  await page.getByRole('button', { name: 'Change the password' }).click();
  await expect(page.getByText('The current password is wrong.')).toBeVisible();
  await expect(page.getByLabel('New password')).toHaveValue(next);
  await page.getByLabel('Current password').fill(person.password);
  await page.getByRole('button', { name: 'Change the password' }).click();
  await expect(page.getByText('The password was changed.', { exact: false })).toBeVisible();
  await expect(page.getByLabel('New password')).toHaveValue('');
  await page.reload();
  await expect(page.getByRole('heading', { name: 'Password', exact: true })).toBeVisible();
  await expect(elsewhere.getByText('Your session has ended.', { exact: false })).toBeVisible();
  await elsewhere.getByLabel('E-mail').fill(person.email);
  for (const password of [person.password, next]) {
    await elsewhere.getByLabel('Password', { exact: true }).fill(password);
    await elsewhere.getByRole('button', { name: 'Sign in' }).click();
    if (password !== next) await expect(elsewhere.getByRole('alert')).toBeVisible();
  }
  await expect(elsewhere).toHaveURL('/account/profile');
});

test('a new address waits for its mail, and can be cancelled', async ({
  page,
  person,
  people,
  mailbox,
  stack,
  watch,
}) => {
  watch.expect(/status of 401/);
  const next = people.address();
  await page.goto('/account/email');
  const ask = async () => {
    await page.getByLabel('New address').fill(next);
    await page.getByLabel('Current password').fill(person.password);
    await page.getByRole('button', { name: 'Send the link' }).click();
    await expect(page.getByRole('status').filter({ hasText: `A mail was sent to ${next}` })).toBeVisible();
  };
  await ask();
  const first = await mailbox.link(next, 'confirm-email');
  await page.getByRole('link', { name: 'Home' }).click();
  await expect(page.getByText(`Your new address ${next} is not confirmed yet.`)).toBeVisible();
  await page.getByRole('link', { name: 'Show', exact: true }).click();
  await page.getByRole('button', { name: 'Cancel the change' }).click();
  await expect(page.getByText('The change was cancelled.', { exact: false })).toBeVisible();
  await expect(page.getByRole('button', { name: 'Cancel the change' })).toBeHidden();
  await ask();
  const second = await mailbox.link(next, 'confirm-email', first);
  await page.request.post('/api/auth/confirm-email', {
    data: { token: second.split('#token=')[1] },
    headers: { origin: stack.url },
  });
  await expect(page.getByText('Your session has ended.', { exact: false })).toBeVisible();
  await page.getByLabel('E-mail').fill(next);
  await page.getByLabel('Password', { exact: true }).fill(person.password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('link', { name: 'Security activity' }).click();
  await expect(page.getByText(`Address changed from ${person.email} to ${next}`)).toBeVisible();
  await page.getByRole('link', { name: 'Home' }).click();
  await expect(page.getByRole('link', { name: /^E-mail address.*Confirmed/ })).toContainText(next);
});

test('the language applies to pages, to mails and to other devices', async ({
  page,
  person,
  people,
  mailbox,
  newDevice,
  signIn,
}) => {
  await page.goto('/account/preferences');
  await page.getByRole('radio', { name: 'Deutsch' }).check();
  await expect(page.getByRole('heading', { name: 'Sprache und Zeitzone' })).toBeVisible();
  await expect(page.locator('html')).toHaveAttribute('lang', 'de');
  const next = people.address();
  await page.getByRole('link', { name: 'E-Mail-Adresse' }).click();
  await page.getByLabel('Neue Adresse').fill(next);
  await page.getByLabel('Aktuelles Passwort').fill(person.password);
  await page.getByRole('button', { name: 'Link senden' }).click();
  await mailbox.subject(next, 'Bitte bestätigen Sie Ihre neue E-Mail-Adresse');
  const phone = await newDevice();
  await signIn(person, phone);
  const elsewhere = await phone.newPage();
  await elsewhere.goto('/account/profile');
  await expect(elsewhere.getByRole('heading', { name: 'Profil', exact: true })).toBeVisible();
});

test('a guest’s choice of language becomes that of the account', async ({
  page,
  account,
  newDevice,
  signIn,
}) => {
  await page.goto('/sign-in');
  await page.getByRole('button', { name: 'Language: English' }).click();
  await page.getByRole('menuitemradio', { name: 'Deutsch' }).click();
  await page.getByLabel('E-Mail-Adresse').fill(account.email);
  await page.getByLabel('Passwort', { exact: true }).fill(account.password);
  const stored = page.waitForResponse((answer) => answer.request().method() === 'PATCH');
  await page.getByRole('button', { name: 'Anmelden' }).click();
  await expect(page.getByRole('heading', { name: 'Willkommen' })).toBeVisible();
  expect((await stored).ok()).toBe(true);
  const phone = await newDevice();
  await signIn(account, phone);
  const elsewhere = await phone.newPage();
  await elsewhere.goto('/');
  await expect(elsewhere.getByRole('heading', { name: 'Willkommen' })).toBeVisible();
});

test('the time zone applies to exact times and stays in the browser', async ({ page, account, signIn }) => {
  await signIn(account);
  await page.goto('/account/preferences');
  const zone = page.getByRole('combobox', { name: 'Search by place or offset' });
  await expect(zone).toHaveValue('Europe/Berlin');
  await zone.fill('tokyo');
  await page.getByRole('option', { name: 'Asia/Tokyo' }).click();
  await expect(zone).toHaveValue('Asia/Tokyo');
  await zone.fill('kathmandu'); // which Chromium has by its old name
  await page.getByRole('option', { name: 'Asia/Kathmandu GMT+5:45' }).click();
  await page.goto('/account/sessions');
  await expect(page.locator('time').first()).toHaveAttribute('title', /GMT\+5:45$/);
  await page.goto('/account/preferences');
  await expect(zone).toHaveValue('Asia/Kathmandu');
  await page.getByRole('button', { name: 'Use that of the system (Europe/Berlin)' }).click();
  await expect(zone).toHaveValue('Europe/Berlin');
});

test('the activity lists what was done', async ({ page, person, stack }) => {
  await page.request.post('/api/auth/cookie/login', {
    form: { username: person.email, password: 'not the password' },
    headers: { origin: stack.url },
  });
  await page.goto('/account/profile');
  await rename(page, 'Grace Hopper');
  await expect(page.getByText('The name was saved.')).toBeVisible();
  await page.getByRole('link', { name: 'Security activity' }).click();
  const entries = page.locator('main').getByRole('listitem');
  for (const text of ['Changed: name', 'Signed in', 'Address confirmed', 'Account created']) {
    await expect(entries.filter({ hasText: text }).first()).toBeVisible();
  }
  await expect(entries.filter({ hasText: 'Account created' })).toContainText('without signing in');
  const refused = entries.filter({ hasText: 'Failed sign-in: wrong password' });
  await expect(async () => {
    await page.getByRole('button', { name: 'Refresh' }).click(); // it is announced within seconds
    await expect(refused).toBeVisible({ timeout: 1000 });
  }).toPass();
});
