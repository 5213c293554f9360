import { expect, test } from './fixtures';

test('ten requests of five tabs after the access cookie has expired renew the session once', async ({
  context,
  page,
  account,
  signIn,
  watch,
}) => {
  await signIn(account);
  watch.expect(/status of 401/);
  const tabs = [page];
  while (tabs.length < 5) tabs.push(await context.newPage());
  for (const tab of tabs) {
    await tab.goto('/account/password');
    await expect(tab.getByRole('heading', { name: 'Password', exact: true })).toBeVisible();
  }
  let refused = 0;
  let renewals = 0;
  context.on('response', (answer) => {
    if (answer.status() === 401) refused++;
    if (answer.url().endsWith('/api/auth/refresh')) renewals++;
  });
  // On a slow machine, the renewal might end before a second tab asks for something.
  await context.route('**/api/auth/refresh', async (route) => {
    await expect.poll(() => refused).toBeGreaterThan(1);
    await route.continue();
  });
  await context.clearCookies({ name: /access/ });
  await Promise.all(tabs.map((tab) => tab.getByRole('link', { name: 'Home' }).click()));
  for (const tab of tabs) {
    await expect(tab.getByRole('link', { name: /^Sessions and devices 1 session/ })).toBeVisible();
    await expect(tab.getByRole('link', { name: /^Last security activity Signed in/ })).toBeVisible();
  }
  expect(renewals).toBe(1);
});

test('two tabs that are opened after the access cookie has expired renew the session once', async ({
  context,
  page,
  person,
  watch,
}) => {
  watch.expect(/status of 401/);
  await page.goto('/account/profile');
  await expect(page.getByText(person.id)).toBeVisible();
  const other = await context.newPage();
  let renewals = 0;
  context.on('response', (answer) => {
    if (answer.url().endsWith('/api/auth/refresh')) renewals++;
  });
  await context.clearCookies({ name: /access/ });
  await Promise.all([page.reload(), other.goto('/account/profile')]);
  for (const tab of [page, other]) {
    await expect(tab.getByText(person.id)).toBeVisible();
  }
  expect(renewals).toBe(1);
});

test('a session that is ended elsewhere shows the sign-in page at once, and keeps what was typed', async ({
  context,
  page,
  person,
  newDevice,
  signIn,
  watch,
}) => {
  watch.expect(/status of 401/);
  const phone = await newDevice();
  await signIn(person, phone);
  const elsewhere = await phone.newPage();
  const second = await context.newPage();
  await second.goto('/account/sessions');
  await expect(second.getByRole('button', { name: 'End session' })).toBeVisible();
  await elsewhere.goto('/account/profile');
  await expect(elsewhere.getByRole('heading', { name: 'Profile', exact: true })).toBeVisible();
  await elsewhere.getByRole('textbox', { name: /^Name/ }).fill('Ada');
  await expect(elsewhere.getByRole('img', { name: /^Live/ })).toBeVisible();
  await page.goto('/account/sessions');
  await page.getByRole('button', { name: 'End session' }).click();
  for (const tab of [page, second])
    await expect(tab.getByText('No other device is signed in.')).toBeVisible();
  await expect(elsewhere.getByText('Your session has ended.', { exact: false })).toBeVisible();
  await expect(elsewhere).toHaveURL(/\/sign-in\?next=%2Faccount%2Fprofile/);
  await elsewhere.getByLabel('E-mail').fill(person.email);
  await elsewhere.getByLabel('Password', { exact: true }).fill(person.password);
  await elsewhere.getByRole('button', { name: 'Sign in' }).click();
  await expect(elsewhere.getByRole('textbox', { name: /^Name/ })).toHaveValue('Ada'); // it was not saved yet
});

test('without a connection nothing typed is lost', async ({ context, page, account, signIn, watch }) => {
  await signIn(account);
  watch.expect(/ERR_INTERNET_DISCONNECTED/);
  await page.goto('/account/profile');
  const name = page.getByRole('textbox', { name: /^Name/ });
  await expect(name).toBeVisible();
  await context.setOffline(true);
  await name.fill('Grace Hopper');
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await expect(page.getByRole('alert')).toContainText('The server did not answer');
  const bar = page.getByText('Trying again in', { exact: false }).first();
  await expect(bar).toBeAttached();
  await context.setOffline(false);
  await expect(bar).not.toBeAttached();
  await expect(name).toHaveValue('Grace Hopper');
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await expect(page.getByText('The name was saved.')).toBeVisible();
});

test('a page that is read without a connection appears by itself later', async ({
  context,
  page,
  account,
  signIn,
  watch,
}) => {
  await signIn(account);
  watch.expect(/ERR_INTERNET_DISCONNECTED/);
  await page.goto('/account/sessions');
  await page.getByRole('link', { name: 'Profile' }).click();
  await expect(page.getByRole('textbox', { name: /^Name/ })).toBeVisible();
  await context.setOffline(true);
  await page.getByRole('link', { name: 'Sessions and devices' }).click();
  await expect(page.getByText('Trying again in', { exact: false }).first()).toBeAttached();
  await context.setOffline(false);
  await expect(page.getByText('This device')).toBeVisible();
  await expect(page.getByText('Trying again in', { exact: false })).toHaveCount(0);
});

test('the back button shows nothing after signing out', async ({ context, page, person, watch }) => {
  watch.expect(/status of 401/); // of what a page reads in that moment
  await page.goto('/account/profile');
  await expect(page.getByText(person.id)).toBeVisible();
  await page.goto('/api/docs'); // another document: the browser may keep the page as it was
  const other = await context.newPage();
  await other.goto('/');
  await other.getByRole('button', { name: `Account: ${person.email}` }).click();
  await other.getByRole('menuitem', { name: 'Sign out' }).click();
  await expect(other).toHaveURL(/\/sign-in/);
  for (const tab of [page, other]) {
    await tab.goBack();
    await expect(tab.getByRole('heading', { name: 'Sign in' })).toBeVisible();
    await expect(tab.getByText(person.id)).toHaveCount(0);
  }
});
