import type { Locator, Page } from '@playwright/test';
import { randomUUID } from 'node:crypto';

import { violations } from './axe';
import { expect, test } from './fixtures';

/** A name that no other tier has. */
const unique = () => `tier ${randomUUID().slice(0, 8)}`;
const heading = (page: Page, name: string) => page.getByRole('heading', { level: 1, name });
/** The card of a target. */
const card = (page: Page, name: string) => page.getByRole('region', { name });
/** What is left of a person's rate limit. */
const left = (page: Page, path: string) => page.getByRole('meter', { name: path });

async function createTier(page: Page): Promise<string> {
  const name = unique();
  await page.goto('/plans');
  await page.getByRole('button', { name: 'New tier' }).first().click();
  await expect(page.getByRole('textbox', { name: 'Name' })).toBeFocused();
  await page.keyboard.type(name);
  await page.keyboard.press('Enter');
  await expect(heading(page, name)).toBeFocused();
  return name;
}

async function pick(page: Page, email: string): Promise<void> {
  await page.getByRole('combobox', { name: 'Person' }).fill(email);
  await page.getByRole('option', { name: email }).click();
}

async function addPerson(page: Page, email: string): Promise<Locator> {
  await page.getByRole('button', { name: 'Add a target' }).first().click();
  await pick(page, email);
  await page.getByRole('button', { name: 'Add the target' }).click();
  const target = card(page, email);
  await expect(target).toBeVisible();
  return target;
}

async function addRule(target: Locator, path: string, limit: number, unit: string): Promise<void> {
  await target.getByRole('button', { name: 'Add a rate limit' }).click();
  await target.getByRole('combobox', { name: 'Path' }).fill(path);
  await target.page().keyboard.press('Escape'); // closes the suggestions
  await target.getByLabel('Requests').fill(String(limit));
  await target.getByLabel('Unit').selectOption(unit);
  await target.getByRole('button', { name: 'Add the rate limit' }).click();
  await expect(target.getByText(`${limit.toLocaleString('en')} requests per ${unit}`)).toBeVisible();
}

test('a superuser limits a person, who sees what is left, and a raised limit applies at once', async ({
  page,
  people,
  newDevice,
  signIn,
  superuser,
  watch,
}) => {
  watch.expect(/status of 429/);
  expect(superuser.id).toBeTruthy();
  const person = await people.open();
  const device = await newDevice();
  await signIn(person, device);
  const theirs = await device.newPage();

  const tier = await createTier(page);
  const target = await addPerson(page, person.email);
  await addRule(target, '/audit/entries', 5, 'day');
  await expect(target.getByText('No route has this path')).toBeVisible();
  await addRule(target, 'sessions', 3, 'hour');

  // The person's page shows it, and the limit applies.
  await theirs.goto('/account/plan');
  await expect(theirs.getByText(tier)).toBeVisible();
  await expect(left(theirs, 'sessions')).toHaveAttribute('aria-valuetext', '3 of 3 left');
  const answers = [];
  for (let call = 0; call < 4; call++) answers.push((await device.request.get('/api/sessions')).status());
  expect(answers).toEqual([200, 200, 200, 429]);
  await theirs.reload();
  await expect(left(theirs, 'sessions')).toHaveAttribute('aria-valuetext', '0 of 3 left');
  await expect(theirs.getByText('More in 60 minutes')).toBeVisible();
  await theirs.goto('/account/sessions');
  await expect(theirs.getByText(/Too many attempts/)).toBeVisible();

  // Raised, it applies without a restart, and what was used remains used.
  await target.getByRole('button', { name: 'Change the rate limit for sessions' }).click();
  await expect(target.getByLabel('Requests')).toBeFocused();
  await target.getByLabel('Requests').fill('1000');
  await target.getByRole('button', { name: 'Save' }).click();
  await expect(target.getByText('1,000 requests per hour')).toBeVisible();
  await expect(async () => {
    expect((await device.request.get('/api/sessions')).status()).toBe(200);
  }).toPass();
  await theirs.goto('/account/plan');
  await expect(left(theirs, 'sessions')).toHaveAttribute('aria-valuetext', /^99\d of 1,000 left$/);

  // Which limit applies, and why.
  await page.getByRole('link', { name: 'Plans' }).first().click();
  await page.getByRole('link', { name: 'Which limit applies?' }).click();
  await pick(page, person.email);
  await page.getByRole('combobox', { name: 'Path' }).fill('/api/sessions');
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'Show the limit' }).click();
  await expect(page.getByText('The target itself has a rate limit for this path.')).toBeVisible();
  await expect(page.getByRole('link', { name: tier })).toBeVisible();
  await expect(page.getByRole('listitem').filter({ hasText: 'Decides.' })).toContainText(
    '1,000 requests per hour',
  );
  await page.reload();
  await expect(page.getByRole('combobox', { name: 'Person' })).toHaveValue(person.email);
  await page.getByRole('combobox', { name: 'Path' }).fill('users_me');
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'Show the limit' }).click();
  await expect(page.getByText('No rate limit matches.')).toBeVisible();
});

test('a tier in use is not deleted; targets move, pause and leave, and deletions are taken back', async ({
  page,
  people,
  superuser,
  watch,
}) => {
  watch.expect(/status of 409/);
  watch.expect(/status of 400/);
  expect(superuser.id).toBeTruthy();
  const { id, email } = await people.open();
  const other = await createTier(page);
  const tier = await createTier(page);
  const target = await addPerson(page, email);
  await addRule(target, 'webhooks_*', 7, 'minute');

  // A person has one tier.
  await page.getByRole('button', { name: 'Add a target' }).click();
  await pick(page, email);
  await page.getByRole('button', { name: 'Add the target' }).click();
  await expect(page.getByText('It already has a tier.', { exact: false })).toBeVisible();
  await page.getByRole('button', { name: 'Cancel' }).click();

  // The list refuses to delete the tier, and leads to what has to be done.
  await page.goto('/plans');
  await page.getByRole('button', { name: `Delete the tier ${tier}` }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await expect(page.getByText(`The tier ${tier} has targets.`, { exact: false })).toBeVisible();
  await page.getByRole('link', { name: 'Show its targets' }).click();
  await expect(heading(page, tier)).toBeFocused();

  // The forms, which pages.spec.ts does not open, are accessible.
  await page.getByRole('button', { name: 'Add a target' }).click();
  await page.getByRole('button', { name: 'Rename' }).click();
  await target.getByRole('button', { name: 'Change the rate limit' }).click();
  await expect(target.getByLabel('Requests')).toBeFocused();
  expect(await violations(page)).toEqual([]);
  for (let form = 0; form < 3; form++) await page.getByRole('button', { name: 'Cancel' }).first().click();

  // A pause keeps the rate limits.
  await target.getByRole('switch').click();
  await expect(target.getByText('Inactive')).toBeVisible();
  await page.reload();
  await expect(target.getByRole('switch')).not.toBeChecked();
  await target.getByRole('switch').click();
  await expect(target.getByText('Inactive')).toBeHidden();

  await target.getByRole('button', { name: 'Delete the rate limit for webhooks_*' }).click();
  await expect(target.getByText('No rate limits of its own.')).toBeVisible();
  await page.getByRole('button', { name: 'Undo' }).click();
  await expect(target.getByText('7 requests per minute')).toBeVisible();

  await target.getByRole('button', { name: `Actions for ${email}` }).click();
  await page.getByRole('menuitem', { name: `Move to ${other}` }).click();
  await expect(page.getByText('No targets yet')).toBeVisible();
  expect(await people.asRoot('GET', `/plans/tier-targets?target_type=U&target_id=${id}`)).toHaveLength(1);
  await page.getByRole('button', { name: 'Delete the tier' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await expect(heading(page, 'Plans')).toBeFocused();
  await expect(page.getByRole('link', { name: tier })).toBeHidden();

  await page.getByRole('link', { name: other }).click();
  await expect(target.getByText('7 requests per minute')).toBeVisible();
  await target.getByRole('button', { name: `Actions for ${email}` }).click();
  await page.getByRole('menuitem', { name: 'Delete the target' }).click();
  await expect(page.getByRole('dialog')).toContainText('Its rate limit is deleted too.');
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await expect(page.getByText('No targets yet')).toBeVisible();
});

test('a change of another superuser is not overwritten unseen', async ({
  page,
  people,
  superuser,
  watch,
}) => {
  watch.expect(/status of 412/);
  watch.expect(/status of 422/);
  expect(superuser.id).toBeTruthy();
  const { email } = await people.open();
  const [third, other] = [await createTier(page), await createTier(page)];
  const tiers = (await people.asRoot('GET', '/plans/tiers')) as { id: number; name: string }[];
  await createTier(page);
  const target = await addPerson(page, email);
  await addRule(target, 'webhooks', 7, 'minute');
  const tierId = page.url().split('/').at(-1) ?? '';
  const [rule] = (await people.asRoot('GET', `/plans/rate-limits?tier_id=${tierId}`)) as { id: number }[];

  await target.getByRole('button', { name: 'Change the rate limit' }).click();
  await people.asRoot('PUT', `/plans/rate-limits/${String(rule?.id)}`, { limit: 8 });
  await target.getByLabel('Requests').fill('9');
  await target.getByRole('button', { name: 'Save' }).click();
  await expect(target.getByText('has changed this to 8 requests per minute', { exact: false })).toBeVisible();
  await target.getByRole('button', { name: 'Save' }).click();
  await expect(target.getByText('9 requests per minute')).toBeVisible();

  // The tier has the same rule; what the server refuses is said at its field.
  await page.getByRole('button', { name: 'Rename' }).click();
  const name = unique();
  await people.asRoot('PUT', `/plans/tiers/${tierId}`, { name });
  await page.getByRole('textbox', { name: 'Name' }).fill(`${name} of us`);
  await page.getByRole('button', { name: 'Rename' }).click();
  await expect(page.getByText(`has renamed the tier to ${name}`, { exact: false })).toBeVisible();
  await page.getByRole('button', { name: 'Rename' }).click();
  await expect(heading(page, `${name} of us`)).toBeVisible();
  await target.getByRole('button', { name: 'Change the rate limit' }).click();
  await target.getByRole('combobox', { name: 'Path' }).fill('../etc');
  await page.keyboard.press('Escape');
  await target.getByRole('button', { name: 'Save' }).click();
  await expect(target.getByRole('combobox', { name: 'Path' })).toHaveAttribute('aria-invalid', 'true');

  // Nor is the switch or the tier of a target; the open form keeps the page from showing the change by itself.
  const [shown] = (await people.asRoot('GET', `/plans/tier-targets?tier_id=${tierId}`)) as { id: number }[];
  const thirdId = tiers.find((each) => each.name === third)?.id;
  const path = `/plans/tier-targets/${String(shown?.id)}`;
  const dialog = page.getByRole('dialog', { name: `${email} was changed` });
  await people.asRoot('PUT', path, { tier_id: thirdId });
  await target.getByRole('switch').click();
  await expect(dialog.getByRole('group', { name: 'Tier' }).getByText(third)).toBeVisible();
  expect(await violations(page)).toEqual([]);
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  await expect(target).toHaveCount(0);
  await page.goto('/plans');
  await page.getByRole('link', { name: third }).click();
  await expect(target.getByRole('switch')).toBeChecked();
  await target.getByRole('button', { name: 'Change the rate limit' }).click();
  await people.asRoot('PUT', path, { tier_id: Number(tierId) });
  await target.getByRole('button', { name: `Actions for ${email}` }).click();
  await page.getByRole('menuitem', { name: `Move to ${other}` }).click();
  await dialog.getByRole('radio', { name: /^Yours/ }).check();
  await dialog.getByRole('button', { name: 'Save again' }).click();
  await expect(target).toHaveCount(0);
  await page.goto('/plans');
  await page.getByRole('link', { name: other }).click();
  await expect(target).toBeVisible();

  // A change between the reading and the writing: the server answers 412, and the person is asked again.
  let changes = 0;
  await page.route(`**/api${path}`, async (route) => {
    if (route.request().method() !== 'PUT' || changes++) return route.fallback();
    await people.asRoot('PUT', path, { is_active: false, tier_id: Number(tierId) });
    return route.fallback();
  });
  await target.getByRole('button', { name: `Actions for ${email}` }).click();
  await page.getByRole('menuitem', { name: `Move to ${third}` }).click();
  await dialog
    .getByRole('group', { name: 'Tier' })
    .getByRole('radio', { name: /^Yours/ })
    .check();
  await dialog.getByRole('button', { name: 'Save again' }).click();
  await expect.poll(() => people.asRoot('GET', path)).toMatchObject({ is_active: false, tier_id: thirdId });
});
