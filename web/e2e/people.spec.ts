import type { Page } from '@playwright/test';
import { randomUUID } from 'node:crypto';

import { expect, test } from './fixtures';

/** A name that no other account has. */
const unique = () => `Grace ${randomUUID().slice(0, 8)}`;
const heading = (page: Page, name: string) => page.getByRole('heading', { level: 1, name });
const save = (page: Page) => page.getByRole('button', { name: 'Save', exact: true });

test('people who are no superusers get no access', async ({ page, person }) => {
  for (const path of ['/people', `/people/${person.id}`, '/people/invite', '/audit']) {
    await page.goto(path);
    await expect(heading(page, 'No access')).toBeVisible();
    await expect(page).toHaveURL(path);
  }
});

test.describe('a superuser', () => {
  // The fixture signs the superuser in, also for tests that do not name it.
  test.beforeEach(({ superuser }) => {
    expect(superuser.id).toBeTruthy();
  });

  test('a search finds a person, and the address keeps it with its filters', async ({ page, people }) => {
    const name = unique();
    const { id } = await people.open({ name });
    await page.goto('/people');
    await page.getByLabel('Search by name or address').fill(name.slice(6));
    const link = page.getByRole('link', { name });
    await expect(page.getByText('1 of 1')).toBeVisible();
    await expect(link).toBeVisible();
    await page.getByRole('button', { name: 'Deactivated' }).click();
    await expect(page.getByText('No person found')).toBeVisible();
    await page.reload();
    await expect(page.getByLabel('Search by name or address')).toHaveValue(name.slice(6));
    await expect(page.getByRole('button', { name: 'Deactivated' })).toHaveAttribute('aria-pressed', 'true');
    await expect(page.getByText('No person found')).toBeVisible();
    await page.goBack();
    await expect(link).toBeVisible();
    // A search that has not begun does not follow to the next page. Both happen at once, before the pause ends.
    await page.getByRole('link', { name: 'Invite a person' }).evaluate((invite: HTMLElement) => {
      const field = document.querySelector<HTMLInputElement>('input[type=search]');
      if (!field) throw new Error('There is no search.');
      field.value += 'x';
      field.dispatchEvent(new Event('input', { bubbles: true }));
      invite.click();
    });
    await expect(heading(page, 'Invite a person')).toBeFocused();
    await expect(page).toHaveURL('/people/invite');
    await page.goBack();
    await link.click();
    await expect(page).toHaveURL(`/people/${id}`);
    await expect(heading(page, name)).toBeFocused();
  });

  test('two administrators edit one person, and the second chooses between both values', async ({
    page,
    people,
    newDevice,
    signIn,
    watch,
  }) => {
    watch.expect(/status of 412/);
    const { id } = await people.open({ name: unique() });
    await page.goto(`/people/${id}`);
    const other = await (await newDevice()).newPage();
    await signIn(await people.open({ superuser: true }), other.context());
    await other.goto(`/people/${id}`);
    await expect(save(other)).toBeVisible();

    await page.getByLabel('Name').fill('Grace Hopper');
    await page.getByLabel('Roles', { exact: false }).fill('editor');
    await page.getByLabel('Roles', { exact: false }).press('Enter');
    await save(page).click();
    await expect(heading(page, 'Grace Hopper')).toBeVisible();

    await other.getByLabel('Name').fill('Grace Brewster');
    await save(other).click();
    const dialog = other.getByRole('dialog');
    const names = dialog.getByRole('group', { name: 'Name' });
    await expect(names.getByLabel('Yours')).toBeVisible();
    await expect(names).toContainText('Grace Brewster');
    await expect(names).toContainText('Grace Hopper');
    // The role was only changed by the other one: its current value is chosen already.
    await expect(dialog.getByRole('group', { name: 'Roles' }).getByLabel('Current')).toBeChecked();
    await dialog.getByRole('button', { name: 'Save again' }).click();
    await expect(names.getByText('Choose one of the two values.')).toBeVisible();
    await names.getByLabel('Yours').check();
    await dialog.getByRole('button', { name: 'Save again' }).click();
    await expect(heading(other, 'Grace Brewster')).toBeVisible();
    await expect(other.getByRole('button', { name: 'Remove the role editor' })).toBeVisible();
    const saved = (await people.asRoot('GET', `/users/${id}`)) as { name: string; roles: string[] };
    expect(saved).toMatchObject({ name: 'Grace Brewster', roles: ['editor'] });
  });

  test('an invitation whose answer is lost is sent again, and made once', async ({ page, people, watch }) => {
    watch.expect(/net::ERR_FAILED/);
    await page.goto('/people/invite');
    await page.getByLabel('E-mail').fill(people.address());
    await page.getByLabel('Name').fill('Mary Jackson');
    let lost = 0;
    await page.route('**/api/users', async (route) => {
      if (route.request().method() !== 'POST' || lost++) return route.fallback();
      await route.fetch();
      await route.abort();
    });
    const send = page.getByRole('button', { name: 'Send the invitation' });
    await send.click();
    await expect(page.getByText('The server did not answer')).toBeVisible();
    await send.click();
    await expect(heading(page, 'Mary Jackson')).toBeVisible();
  });

  test('an invited person gets a mail, and is not invited twice', async ({
    page,
    people,
    mailbox,
    watch,
  }) => {
    watch.expect(/status of 409/);
    const email = people.address();
    await page.goto('/people');
    await page.getByRole('link', { name: 'Invite a person' }).click();
    await page.getByRole('button', { name: 'Send the invitation' }).click();
    await expect(page.getByText('This field is required.')).toBeVisible();
    await page.getByLabel('E-mail').fill(email);
    await page.getByLabel('Name').fill('Katherine Johnson');
    await page.getByLabel('Language', { exact: true }).selectOption('Deutsch');
    await page.getByRole('button', { name: 'Send the invitation' }).click();
    await expect(heading(page, 'Katherine Johnson')).toBeVisible();
    await expect(page.getByText('Unconfirmed')).toBeVisible();
    expect(await mailbox.link(email, 'accept-invitation')).toContain('#token=');

    await page.goto('/people/invite');
    await page.getByLabel('E-mail').fill(email);
    await page.getByRole('button', { name: 'Send the invitation' }).click();
    await expect(page.getByText('An account with this e-mail address already exists.')).toBeVisible();
    await expect(page.getByLabel('E-mail')).toBeFocused();
    await page.getByRole('link', { name: 'Show this person' }).click();
    await expect(page.getByRole('link', { name: 'Katherine Johnson' })).toBeVisible();
  });

  test('the browser of a person whose sessions were ended asks to sign in', async ({
    page,
    people,
    newDevice,
    signIn,
    watch,
  }) => {
    watch.expect(/status of 401/);
    const person = await people.open();
    const theirs = await (await newDevice()).newPage();
    await signIn(person, theirs.context());
    await theirs.goto('/account/sessions');
    await expect(theirs.getByText('This device')).toBeVisible();

    await page.goto(`/people/${person.id}`);
    await page.getByRole('button', { name: 'End all' }).click();
    await page.getByRole('button', { name: 'End them' }).click();
    await expect(page.getByText('All sessions have ended.')).toBeVisible();
    await theirs.reload();
    await expect(theirs.getByRole('heading', { name: 'Sign in' })).toBeVisible();
  });

  test('a role is given with the keyboard, and people are found by it', async ({ page, people }) => {
    const role = `r${randomUUID().slice(0, 8)}`;
    const name = unique();
    const { id } = await people.open({ name });
    await page.goto(`/people/${id}`);
    await page.getByLabel('Roles', { exact: false }).focus();
    await page.keyboard.type('Not a role!');
    await page.keyboard.press('Enter');
    await expect(page.getByText('A role starts with a letter')).toBeVisible();
    await page.getByLabel('Name').fill(`${name} B`);
    await save(page).click(); // not without the role
    await expect(page.getByLabel('Roles', { exact: false })).toBeFocused();
    await expect(page.getByText('A role starts with a letter')).toBeVisible();
    await page.getByLabel('Name').fill(name);
    await page.getByLabel('Roles', { exact: false }).focus();
    await page.keyboard.press('ControlOrMeta+a');
    await page.keyboard.type(role);
    await page.keyboard.press('Enter');
    await expect(page.getByRole('button', { name: `Remove the role ${role}` })).toBeVisible();
    await page.keyboard.press('Enter'); // in the empty field: saves
    await expect(page.getByRole('button', { name: 'Discard changes' })).toBeHidden();
    await page.goto(`/people?role=${role}`);
    await expect(page.getByText('1 of 1')).toBeVisible();
    await expect(page.getByRole('link', { name })).toBeVisible();
  });

  test('a person is deactivated, and this is undone', async ({ page, people }) => {
    const { id } = await people.open({ name: unique() });
    await page.goto(`/people/${id}`);
    await page.getByRole('button', { name: 'Deactivate' }).click();
    await page.getByRole('button', { name: 'Undo' }).click(); // at once, since the notice disappears
    await expect(page.getByText('is active again.')).toBeVisible();
    await expect(page.getByLabel('Active', { exact: true })).toBeChecked();
    expect(await people.asRoot('GET', `/users/${id}`)).toMatchObject({ is_active: true });
    await page.getByRole('button', { name: 'Deactivate' }).click();
    await expect(page.getByRole('button', { name: 'Activate', exact: true })).toBeVisible();
    await expect(page.getByLabel('Active', { exact: true })).not.toBeChecked();
    expect(await people.asRoot('GET', `/users/${id}`)).toMatchObject({ is_active: false });
  });

  test('an account is deleted after its address was typed', async ({ page, people, superuser, watch }) => {
    watch.expect(/status of 404/);
    const { id, email } = await people.open();
    await page.goto(`/people/${id}`);
    await page.getByRole('button', { name: 'Delete…' }).click();
    const field = page.getByLabel(`Type ${email} to confirm`);
    await field.fill(superuser.email);
    await page.getByRole('button', { name: 'Delete the account' }).click();
    await expect(page.getByText('This is not the address of the account.')).toBeVisible();
    await field.fill(email);
    await page.getByRole('button', { name: 'Delete the account' }).click();
    await expect(page.getByText(`${email} is deleted.`)).toBeVisible();
    await expect(page).toHaveURL('/people');
    await page.goto(`/people/${id}`);
    await expect(page.getByRole('heading', { name: 'Nothing is here' })).toBeVisible();
  });

  test('a person is found and edited on a phone', async ({ page, people }) => {
    await page.setViewportSize({ width: 360, height: 740 });
    const name = unique();
    const { id } = await people.open({ name });
    await page.goto(`/people?q=${name.slice(6)}`);
    await page.getByRole('link', { name }).click();
    await expect(page).toHaveURL(`/people/${id}`);
    await page.getByLabel('Name').fill('Grace Hopper');
    await save(page).click();
    await expect(heading(page, 'Grace Hopper')).toBeVisible();
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
  });

  test('a person is found, opened and edited with the keyboard', async ({ page, people }) => {
    const name = unique();
    const { id } = await people.open({ name });
    await page.goto('/people');
    await page.getByLabel('Search by name or address').focus();
    await page.keyboard.type(name.slice(6));
    await expect(page.getByText('1 of 1')).toBeVisible();
    const link = page.getByRole('link', { name });
    for (let stops = 0; stops < 10; stops++) {
      await page.keyboard.press('Tab');
      if (await link.evaluate((element) => element === document.activeElement)) break;
    }
    await page.keyboard.press('Enter');
    await expect(heading(page, name)).toBeFocused();
    await page.keyboard.press('Tab');
    await expect(page.getByLabel('Name')).toBeFocused();
    await page.keyboard.press('ControlOrMeta+a');
    await page.keyboard.type('Grace Hopper');
    await page.keyboard.press('Enter');
    await expect(heading(page, 'Grace Hopper')).toBeVisible();
    expect(await people.asRoot('GET', `/users/${id}`)).toMatchObject({ name: 'Grace Hopper' });
  });
});
