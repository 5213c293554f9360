import type { Page } from '@playwright/test';

import { expect, test } from './fixtures';

const heading = (page: Page, name: string) => page.getByRole('heading', { level: 1, name });
const save = (page: Page) => page.getByRole('button', { name: 'Save', exact: true });

test('an administrator who takes away their own access is asked first', async ({
  page,
  people,
  superuser,
}) => {
  await page.goto(`/people/${superuser.id}`);
  await page.getByLabel('Superuser').uncheck();
  await save(page).click();
  await expect(page.getByRole('heading', { name: 'Take away your own access?' })).toBeVisible();
  await page.getByRole('button', { name: 'Cancel' }).click();
  expect(await people.asRoot('GET', `/users/${superuser.id}`)).toMatchObject({ is_superuser: true });
  await save(page).click();
  await page.getByRole('button', { name: 'Take it away' }).click();
  await expect(heading(page, 'No access')).toBeVisible();
  await expect(page.getByRole('link', { name: 'Audit log' })).toHaveCount(0);
});

test('an administrator who deactivates their own account is signed out', async ({
  page,
  superuser,
  watch,
}) => {
  watch.expect(/status of 401/); // of what the page reads in that moment
  await page.goto(`/people/${superuser.id}`);
  await page.getByRole('button', { name: 'Deactivate' }).click();
  await page.getByRole('button', { name: 'Take it away' }).click();
  await expect(page.getByRole('heading', { name: 'Sign in' })).toBeVisible();
});

test('a superuser who loses the right sees no data any more', async ({ page, people, superuser, watch }) => {
  watch.expect(/status of 403/);
  await page.goto('/audit');
  const entry = page.getByRole('row').filter({ hasText: 'sessions.started' }).first();
  await entry.getByRole('button').first().click();
  await expect(page.getByRole('dialog')).toBeVisible();
  await page.keyboard.press('Escape');
  await people.asRoot('PATCH', `/users/${superuser.id}`, { is_superuser: false });
  // The page closes by itself.
  await expect(heading(page, 'No access')).toBeVisible();
  await expect(page.getByRole('row')).toHaveCount(0);
  await expect(page.getByRole('link', { name: 'People' })).toHaveCount(0);
});

test('an administrator’s own address needs the password, and the new one is confirmed', async ({
  page,
  people,
  mailbox,
  superuser,
  watch,
}) => {
  watch.expect(/status of 403/);
  const email = people.address();
  await page.goto(`/people/${superuser.id}`);
  await page.getByLabel('E-mail').fill(email);
  await save(page).click();
  await page.getByLabel('Current password').fill('not the password');
  await page.getByRole('button', { name: 'Change the address' }).click();
  await expect(page.getByText('The current password is missing or wrong.')).toBeVisible();
  await page.getByLabel('Current password').fill(superuser.password);
  await page.getByRole('button', { name: 'Change the address' }).click();
  await expect(page.getByLabel('E-mail')).toHaveValue(superuser.email);
  expect(await mailbox.link(email, 'confirm-email')).toContain('#token=');
});
