import { expect, test } from './fixtures';

test('a change is in the audit log with its actor, its data and its place in the chain', async ({
  page,
  people,
  superuser,
}) => {
  const { id, email } = await people.open({ name: 'Grace Hopper' });
  await page.goto(`/people/${id}`);
  await page.getByLabel('Name').fill('Grace Brewster');
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'Grace Brewster' })).toBeVisible();
  await page.getByRole('link', { name: 'Audit entries of this person' }).click();
  await expect(page).toHaveURL(`/audit?person=${id}`);
  await page.getByLabel('Event').selectOption('Account changed');
  await expect(page).toHaveURL(`/audit?person=${id}&type=users.updated`);
  await expect(page.getByRole('button', { name: `Person: ${email}` })).toBeVisible();

  await expect(page.getByText(/chain is intact: each entry from #\d+ to #\d+ follows/)).toBeVisible();
  await page.getByText('Check the whole chain').click();
  await expect(page.getByText(/^make audit EXPECT=\d+:[0-9a-f]{64}$/)).toBeVisible();

  const row = page.getByRole('row').filter({ hasText: 'users.updated' }).first();
  // The worker seals entries, about a second after they were recorded.
  await expect(async () => {
    await page.reload();
    await expect(row).toContainText(/#\d+/, { timeout: 5000 });
  }).toPass();
  await expect(row.getByRole('link', { name: 'You' })).toHaveAttribute('href', `/people/${superuser.id}`);
  await row.getByRole('button', { name: 'Account changed' }).click();
  const entry = page.getByRole('dialog');
  await expect(entry.locator('pre')).toContainText(`"user_id": "${id}"`);
  await expect(entry.getByRole('link', { name: superuser.id })).toBeVisible();
  await expect(entry.getByText(/make audit EXPECT=\d+:[0-9a-f]{64}/)).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(row.getByRole('button', { name: 'Account changed' })).toBeFocused();
});

test('entries are filtered by the address of a person, and an unknown one is named at the field', async ({
  page,
  people,
  superuser,
}) => {
  await page.goto('/audit');
  const field = page.getByLabel('Person: address or id');
  await field.fill(people.address());
  await field.press('Enter');
  await expect(page.getByRole('alert')).toContainText('No account has this address.');
  await field.fill(superuser.email);
  await field.press('Enter');
  await expect(page).toHaveURL(`/audit?person=${superuser.id}`);
  // The list of all people may still be there, with others who were made superusers.
  const promotion = page.getByRole('row').filter({ hasText: 'Made a superuser' }).filter({ hasText: 'You' });
  await expect(promotion).toBeVisible();
  await page.getByRole('button', { name: 'Last hour' }).click();
  await expect(page).toHaveURL(`/audit?person=${superuser.id}&last=1h`);
  await expect(promotion).toBeVisible();
  await page.getByRole('button', { name: 'From and until' }).click();
  await page.getByLabel('Until').fill('2026-01-31T12:00');
  // In the time zone of the browser, Europe/Berlin.
  await expect(page).toHaveURL(`/audit?person=${superuser.id}&until=2026-01-31T11:00:00.000Z`);
  await expect(page.getByText('No entry has this person, event and time.')).toBeVisible();
  await page.reload();
  await expect(page.getByLabel('Until')).toHaveValue('2026-01-31T12:00');
  await page.getByRole('button', { name: 'From and until' }).click();
  await expect(promotion).toBeVisible();
  await page.getByRole('button', { name: `Person: ${superuser.email}` }).click();
  await expect(page).toHaveURL('/audit');
  await expect(field).toBeFocused();
});
