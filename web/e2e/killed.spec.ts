import { expect, test as base } from './fixtures';
import { WebProcess } from './server';

// What the browser writes to the console while no server answers.
const GONE = [
  /ERR_(CONNECTION_REFUSED|CONNECTION_RESET|EMPTY_RESPONSE|INCOMPLETE_CHUNKED_ENCODING)/,
  /dynamically imported module/,
];

/** Tests on a web process of their own, which they may kill. Its accounts are those of the stack. */
const test = base.extend<object, { web: WebProcess }>({
  web: [
    async ({ stack }, use) => {
      const web = await WebProcess.start(stack, 'killed');
      await use(web);
      await web.kill();
    },
    { scope: 'worker', timeout: 120_000 },
  ],
  baseURL: ({ web }, use) => use(web.url),
});

test.describe.configure({ mode: 'default' }); // one process, one test at a time

test('a guest types while the web process is killed, and signs in when it is back', async ({
  page,
  account,
  watch,
  web,
}) => {
  watch.expect(...GONE);
  await page.goto('/sign-in');
  await page.getByLabel('E-mail').fill(account.email);
  await page.getByLabel('Password', { exact: true }).fill(account.password);
  await web.kill();
  const send = page.getByRole('button', { name: 'Sign in' });
  await send.click();
  await expect(page.getByText('The server cannot be reached.').first()).toBeAttached();
  await expect(page.getByRole('alert')).toContainText('did not answer');
  // Menus that were not loaded yet say so too, and open later. Nothing is reloaded.
  const language = page.getByRole('button', { name: /^Language/ });
  await language.click();
  await expect(page.getByLabel('E-mail')).toHaveValue(account.email);
  await web.again();
  await expect(page.getByRole('button', { name: 'Try now' })).toHaveCount(0);
  await expect(page.getByLabel('E-mail')).toHaveValue(account.email);
  await expect(page.getByLabel('Password', { exact: true })).toHaveValue(account.password);
  await language.click();
  await page.getByRole('menuitemradio', { name: 'English' }).click();
  await send.click();
  await expect(page.getByRole('button', { name: account.email })).toBeVisible();
});

test('a superuser invites a person across a kill of the web process', async ({
  page,
  people,
  superuser,
  watch,
  web,
}) => {
  watch.expect(...GONE);
  const invited = people.address();
  await page.goto('/people/invite');
  await expect(page.getByRole('button', { name: superuser.email })).toBeVisible();
  await page.getByLabel('E-mail').fill(invited);
  await web.kill();
  // A read waits, and goes on by itself.
  await page.getByRole('link', { name: 'Sessions and devices' }).click();
  await expect(page.getByText('The server cannot be reached.').first()).toBeAttached();
  await web.again();
  await expect(page.getByText('This device')).toBeVisible();
  await page.goBack();
  await page.getByLabel('E-mail').fill(invited);
  await web.kill();
  const send = page.getByRole('button', { name: 'Send the invitation' });
  await send.click();
  await expect(page.getByRole('alert')).toContainText('did not answer');
  await web.again();
  await expect(page.getByRole('button', { name: 'Try now' })).toHaveCount(0);
  await expect(page.getByLabel('E-mail')).toHaveValue(invited);
  await send.click();
  await expect(page.getByText(invited).first()).toBeVisible();
  await page.goto(`/people?q=${encodeURIComponent(invited)}`);
  await expect(page.getByRole('link', { name: invited })).toBeVisible();
});
