import { expect, test } from './fixtures';

const OPERATIONS = [
  ['/operations/dead-letters', 'Dead letters'],
  ['/operations/outbox', 'Outbox and consumers'],
  ['/operations/health', 'Health'],
] as const;

test('an unknown address is a page of its own, for guests and for people', async ({
  page,
  account,
  signIn,
}) => {
  await page.goto('/no/such/page');
  await expect(page.getByRole('heading', { name: 'Page not found' })).toBeVisible();
  await expect(page.getByRole('navigation')).toHaveCount(0);
  await page.getByRole('link', { name: 'Go to the start page' }).click();
  await expect(page.getByRole('heading', { name: 'Sign in' })).toBeVisible();
  await signIn(account);
  await page.goto('/no/such/page');
  await expect(page.getByRole('heading', { name: 'Page not found' })).toBeVisible();
  await expect(page.getByRole('navigation')).toBeVisible();
});

test('operations are closed to a person without the right', async ({ page, person }) => {
  for (const [path] of OPERATIONS) {
    await page.goto(path);
    await expect(page.getByRole('heading', { name: 'No access' })).toBeVisible();
    await expect(page).toHaveURL(path);
  }
  await expect(page.getByText(`You are signed in as ${person.email}.`)).toBeVisible();
  await expect(page.getByRole('link', { name: 'Dead letters' })).toHaveCount(0);
  await page.getByRole('button', { name: 'Sign in with another account' }).click();
  await expect(page).toHaveURL('/sign-in');
});

test('operations are reached by their address, and after a sign-in', async ({ page, people, signIn }) => {
  const superuser = await people.open({ superuser: true });
  await page.goto('/operations/outbox');
  await expect(page).toHaveURL('/sign-in?next=%2Foperations%2Foutbox');
  await signIn(superuser);
  for (const [path, heading] of OPERATIONS) {
    await page.goto(path);
    await expect(page.getByRole('heading', { level: 1, name: heading })).toBeVisible();
    await page.reload();
    await expect(page.getByRole('heading', { level: 1, name: heading })).toBeVisible();
    await expect(page.getByRole('link', { name: heading })).toHaveAttribute('aria-current', 'page');
  }
});

test('the palette opens a page and switches the theme by keyboard', async ({ page, people, signIn }) => {
  await signIn(await people.open({ superuser: true }));
  await page.goto('/account/sessions');
  await expect(page.getByText('This device')).toBeVisible();
  await page.keyboard.press('Control+k');
  const field = page.getByRole('combobox');
  await expect(field).toBeFocused();
  await page.keyboard.type('heal');
  await expect(page.getByRole('option')).toHaveCount(1);
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL('/operations/health');
  await expect(page.getByRole('heading', { level: 1, name: 'Health' })).toBeVisible();
  await page.keyboard.press('Control+k');
  await expect(field).toBeFocused();
  await page.keyboard.type('theme');
  await page.keyboard.press('ArrowUp');
  await expect(page.getByRole('option', { name: 'Theme: Dark' })).toHaveAttribute('aria-selected', 'true');
  await page.keyboard.press('Enter');
  await expect(page.locator('html')).toHaveAttribute('data-theme', 'dark');
  await page.reload();
  await expect(page.locator('html')).toHaveAttribute('data-theme', 'dark');
});

test('a page whose file is gone, since a new version was installed, opens all the same', async ({
  page,
  people,
  signIn,
  watch,
}) => {
  await signIn(await people.open({ superuser: true }));
  watch.expect(/status of 404/, /dynamically imported module/);
  await page.goto('/account/sessions');
  await expect(page.getByText('This device')).toBeVisible();
  await page.route('**/chunk-*.js', (route) => route.fulfill({ status: 404 }), { times: 1 });
  await page.getByRole('link', { name: 'Health' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'Health' })).toBeVisible();
  await expect(page).toHaveURL('/operations/health');
});

test('an unexpected error is shown with its details', async ({ page, watch }) => {
  watch.expect(/not foreseen/);
  await page.goto('/sign-in');
  await page.getByLabel('E-mail').fill('ada@example.com');
  await page.evaluate(() => {
    setTimeout(() => {
      throw new Error('not foreseen');
    });
  });
  const dialog = page.getByRole('dialog', { name: 'Something went wrong' });
  await expect(dialog).toBeVisible();
  await dialog.getByText('Details', { exact: true }).click();
  await expect(dialog.getByText('Error: not foreseen')).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(dialog).toHaveCount(0);
  await expect(page.getByLabel('E-mail')).toHaveValue('ada@example.com');
});
