import type { BrowserContext, Page } from '@playwright/test';

import { expect, test } from './fixtures';

const PASSWORD = 'seven slow rivers 42';

const email = (page: Page) => page.getByLabel('E-mail');
const password = (page: Page) => page.getByLabel('Password', { exact: true });
const newPassword = (page: Page) => page.getByLabel('New password');
const press = (page: Page, name: string) => page.getByRole('button', { name, exact: true }).click();
const shows = (page: Page, heading: string) =>
  expect(page.getByRole('heading', { level: 1, name: heading })).toBeVisible();

/** Request a change of the address of the account that is signed in on a device. */
async function moveTo(device: BrowserContext, url: string, address: string, current: string): Promise<void> {
  const token = (await device.cookies(url)).find(({ name }) => name === 'XSRF-TOKEN')?.value ?? '';
  const answer = await device.request.patch(`${url}/api/users/me`, {
    data: { email: address, current_password: current },
    headers: { origin: url, 'x-xsrf-token': token },
  });
  expect(answer.status()).toBe(200);
}

test('a guest registers, confirms the address, and signs in', async ({ page, people, mailbox }) => {
  const address = people.address();
  await page.goto('/register');
  await email(page).fill(address);
  await password(page).fill(PASSWORD);
  await press(page, 'Create account');
  await shows(page, 'Check your mailbox');
  await expect(page.getByRole('heading', { level: 1 })).toBeFocused();
  await page.goto(await mailbox.link(address, 'verify'));
  await shows(page, 'Confirm your address');
  await expect(page).toHaveURL('/verify');
  await expect(page.getByText(/Chrome/)).toBeVisible();
  await press(page, 'Confirm the address');
  await shows(page, 'Your address is confirmed');
  await page.getByRole('link', { name: 'Sign in' }).click();
  await expect(email(page)).toHaveValue(address);
  await password(page).fill(PASSWORD);
  await press(page, 'Sign in');
  await expect(page).not.toHaveURL(/sign-in/);
  await page.goto('/account/sessions');
  await expect(page.getByText('This device')).toBeVisible();
});

test('registering points to what is wrong, and keeps what was typed', async ({ page, account, watch }) => {
  watch.expect(/status of 400 .*register/);
  await page.goto('/register');
  await email(page).fill('ada@example');
  await password(page).fill('short');
  await press(page, 'Create account');
  await expect(page.getByText('Enter an e-mail address, such as ada@example.com.')).toBeVisible();
  await expect(page.getByText('Enter at least 8 characters.')).toBeVisible();
  await expect(email(page)).toBeFocused();
  await email(page).fill(account.email);
  await password(page).fill('password1');
  await press(page, 'Create account');
  await expect(page.getByText(/too easy to guess/)).toBeVisible();
  await expect(password(page)).toBeFocused();
  await password(page).fill(PASSWORD);
  await press(page, 'Create account');
  await expect(page.getByText(/already exists/)).toBeVisible();
  await page.getByRole('link', { name: 'Sign in' }).click();
  await expect(email(page)).toHaveValue(account.email);
});

test('the owner of an address takes over an account that another person registered', async ({
  page,
  people,
  mailbox,
}) => {
  const { email: address } = await people.open({ verified: false });
  await page.goto(await mailbox.link(address, 'verify'));
  await page.getByLabel('I did not register this account').check();
  await newPassword(page).fill(PASSWORD);
  await press(page, 'Take over the account');
  await shows(page, 'Your address is confirmed');
  await page.getByRole('link', { name: 'Sign in' }).click();
  await password(page).fill(PASSWORD);
  await press(page, 'Sign in');
  await expect(page).not.toHaveURL(/sign-in/);
});

test('a forgotten password is reset, which ends all sessions', async ({
  page,
  account,
  mailbox,
  newDevice,
  signIn,
  watch,
}) => {
  watch.expect(/status of 401 .*\/api\/auth\/refresh/); // the phone asks whether its session goes on
  const phone = await newDevice();
  await signIn(account, phone);
  const tab = await phone.newPage();
  await tab.goto('/account/sessions');
  await expect(tab.getByText('This device')).toBeVisible();

  await page.goto('/sign-in');
  await email(page).fill(account.email);
  await page.getByRole('link', { name: 'Forgot the password?' }).click();
  await expect(email(page)).toHaveValue(account.email);
  await press(page, 'Send the link');
  await shows(page, 'Check your mailbox');
  await expect(page.getByRole('button', { name: /^Send again in \d+ s$/ })).toBeDisabled();
  await page.goto(await mailbox.link(account.email, 'reset-password'));
  await newPassword(page).fill(PASSWORD);
  await press(page, 'Set the password');
  await shows(page, 'The password is set');

  await tab.reload();
  await shows(tab, 'Sign in');
  await email(tab).fill(account.email);
  await password(tab).fill(PASSWORD);
  await press(tab, 'Sign in');
  await expect(tab).toHaveURL('/account/sessions');
});

test('a link for another account than that of the session', async ({
  context,
  page,
  person,
  people,
  mailbox,
}) => {
  const other = await people.open();
  await page.goto('/forgot-password');
  await expect(email(page)).toHaveValue(person.email);
  await email(page).fill(other.email);
  await press(page, 'Send the link');
  await page.goto(await mailbox.link(other.email, 'reset-password'));
  await expect(page.getByText(`You are signed in as ${person.email}.`)).toBeVisible();
  await newPassword(page).fill(PASSWORD);
  const tab = await context.newPage();
  await tab.goto('/');
  await tab.getByRole('button', { name: person.email }).click();
  await tab.getByRole('menuitem', { name: 'Sign out' }).click();
  await expect(page.getByText('You are signed in', { exact: false })).toHaveCount(0);
  await shows(tab, 'Sign in');
  await email(tab).fill(person.email);
  await password(tab).fill(person.password);
  await press(tab, 'Sign in');
  await expect(page.getByText(`You are signed in as ${person.email}.`)).toBeVisible();
  await press(page, 'Set the password'); // what was typed is still there
  await expect(page.getByText(`still signed in with another account: ${person.email}`)).toBeVisible();
  await press(page, 'Switch accounts');
  await shows(page, 'Sign in');
  await email(page).fill(other.email);
  await password(page).fill(PASSWORD);
  await press(page, 'Sign in');
  await expect(page).not.toHaveURL(/sign-in/);
});

test('an invitation is accepted once', async ({ page, people, mailbox, watch }) => {
  watch.expect(/status of 400 .*reset-password/);
  const address = people.address();
  await people.asRoot('POST', '/users', { email: address });
  const link = await mailbox.link(address, 'accept-invitation');
  await page.goto(link);
  await newPassword(page).fill(PASSWORD);
  await press(page, 'Accept the invitation');
  await shows(page, 'Welcome');
  await page.getByRole('link', { name: 'Sign in' }).click();
  await email(page).fill(address);
  await password(page).fill(PASSWORD);
  await press(page, 'Sign in');
  await expect(page).not.toHaveURL(/sign-in/);

  await page.goto(link);
  await newPassword(page).fill(PASSWORD);
  await press(page, 'Accept the invitation');
  await shows(page, 'This link does not work any more');
  await page.getByRole('link', { name: 'Request a new link' }).click();
  await expect(page).toHaveURL('/forgot-password');
});

test('a new address is confirmed, and the old one takes the account back', async ({
  page,
  person,
  people,
  mailbox,
  context,
  stack,
  watch,
}) => {
  watch.expect(/status of 401 .*\/api\/auth\/refresh/); // both links end the session
  const second = await context.newPage();
  await second.goto('/account/sessions');
  await expect(second.getByText('This device')).toBeVisible();
  const address = people.address();
  await moveTo(context, stack.url, address, person.password);
  await page.goto(await mailbox.link(address, 'confirm-email'));
  await press(page, 'Confirm the new address');
  await shows(page, 'The new address is confirmed');
  await shows(second, 'Sign in'); // the other tab follows
  await page.getByRole('link', { name: 'Sign in' }).click();
  await expect(email(page)).toHaveValue(address);
  await password(page).fill(person.password);
  await press(page, 'Sign in');
  await expect(page).not.toHaveURL(/sign-in/);

  const notice = await mailbox.subject(person.email, 'The e-mail address of your account was changed');
  const link = notice.text.slice(notice.text.indexOf(`${stack.url}/revert-email#`)).split(/\s/, 1)[0];
  await page.goto(link ?? '');
  await newPassword(page).fill(PASSWORD);
  await press(page, 'Keep the old address');
  await shows(page, 'The old address stays');
  await page.getByRole('link', { name: 'Sign in' }).click();
  await expect(email(page)).toHaveValue(person.email);
  await password(page).fill(PASSWORD);
  await press(page, 'Sign in');
  await expect(page).not.toHaveURL(/sign-in/);
});

test('the token of a link is in no address, no history and no storage', async ({
  page,
  people,
  mailbox,
  watch,
}) => {
  watch.expect(/status of 400 .*opening/);
  const { email: address } = await people.open({ verified: false });
  const link = await mailbox.link(address, 'verify');
  const token = link.split('#token=')[1] ?? '';
  page.on('request', (request) => {
    const { referer = '' } = request.headers();
    expect(request.url() + referer).not.toContain(token);
  });
  await page.goto(link);
  await shows(page, 'Confirm your address');
  const kept = () =>
    page.evaluate(() => {
      const stored = [localStorage, sessionStorage].flatMap((each): unknown[] => Object.values(each));
      return JSON.stringify([location.href, history.state, stored]);
    });
  expect(await kept()).not.toContain(token);
  await page.reload();
  await shows(page, 'Open the link in the mail again');
  await page.goto('/register');
  await page.goBack();
  await shows(page, 'Open the link in the mail again');

  await page.goto(link); // another link in the same tab begins again
  await press(page, 'Confirm the address');
  await shows(page, 'Your address is confirmed');
  await page.goto('/sign-in');
  await page.goto(link);
  await shows(page, 'This link does not work any more');
  expect(await kept()).not.toContain(token);
});

test('registering with the keyboard only', async ({ page, people, mailbox }) => {
  const address = people.address();
  await page.goto('/sign-in');
  await page.getByRole('link', { name: 'Create an account' }).focus();
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { level: 1, name: 'Create an account' })).toBeFocused();
  await page.keyboard.press('Tab');
  await expect(email(page)).toBeFocused();
  await page.keyboard.type(address);
  await page.keyboard.press('Tab');
  await page.keyboard.type(PASSWORD);
  await page.keyboard.press('Tab');
  await expect(page.getByRole('button', { name: 'Show password' })).toBeFocused();
  await page.keyboard.press('Space');
  await expect(password(page)).toHaveAttribute('type', 'text');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await shows(page, 'Check your mailbox');
  await page.goto(await mailbox.link(address, 'verify'));
  await shows(page, 'Confirm your address');
  const confirm = page.getByRole('button', { name: 'Confirm the address' });
  await page.getByLabel('I did not register this account').focus();
  await page.keyboard.press('Tab');
  await expect(confirm).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { level: 1, name: 'Your address is confirmed' })).toBeFocused();
});

test.describe('in German on a phone', () => {
  test.use({ locale: 'de-DE', viewport: { width: 360, height: 740 } });

  test('registering and confirming', async ({ page, people, mailbox }) => {
    const address = people.address();
    await page.goto('/register');
    await page.getByLabel('E-Mail-Adresse').fill(address);
    await page.getByLabel('Passwort', { exact: true }).fill(PASSWORD);
    await press(page, 'Konto anlegen');
    await shows(page, 'Prüfen Sie Ihr Postfach');
    await mailbox.subject(address, 'Bitte bestätigen Sie Ihre E-Mail-Adresse');
    await page.goto(await mailbox.link(address, 'verify'));
    await press(page, 'Adresse bestätigen');
    await shows(page, 'Ihre Adresse ist bestätigt');
    const wider = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    expect(wider).toBeLessThanOrEqual(0);
  });
});
