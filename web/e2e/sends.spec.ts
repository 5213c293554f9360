import { randomUUID } from 'node:crypto';

import { violations } from './axe';
import { expect, test } from './fixtures';

test('a superuser notifies chosen people once although the answer is lost, then a role, and sees the progress', async ({
  page,
  people,
  superuser,
  watch,
}) => {
  watch.expect(/ERR_FAILED|status of 409|status of 422/);
  expect(superuser.id).toBeTruthy();
  const [ada, bob, gone] = [await people.open(), await people.open(), await people.open()];
  const role = `r${randomUUID().slice(0, 8)}`;
  const subject = `Order ${role}`;
  for (const { id } of [ada, bob]) await people.asRoot('PATCH', `/users/${id}`, { roles: [role] });

  await page.goto('/sends');
  await page.getByRole('link', { name: 'New notification' }).first().click();
  await expect(page.getByRole('heading', { level: 1, name: 'New notification' })).toBeFocused();
  await page.getByRole('button', { name: 'Send…' }).click();
  await expect(page.getByText('Choose at least one person.')).toBeVisible();
  await expect(page.getByRole('combobox', { name: 'Person' })).toBeFocused();
  for (const { email } of [ada, bob, gone]) {
    await page.getByRole('combobox', { name: 'Person' }).fill(email);
    await page.getByRole('option', { name: email }).click();
    await expect(page.getByRole('button', { name: `Remove ${email}` })).toBeVisible();
    await expect(page.getByRole('combobox', { name: 'Person' })).toHaveValue('');
  }
  await page.getByRole('textbox', { name: 'Kind' }).fill('account.order');
  await page.getByRole('textbox', { name: 'Subject' }).fill(subject);
  await page.getByRole('textbox', { name: 'Text' }).fill('It is on its way.\nThanks.');
  await page.getByRole('textbox', { name: 'Link' }).fill('https://example.com/');
  await page.getByRole('button', { name: 'Send…' }).click();
  await expect(page.getByText('Begin with one slash', { exact: false })).toBeVisible();
  await page.getByRole('textbox', { name: 'Link' }).fill('/account/plan');
  const german = page.getByRole('article', { name: 'Deutsch' });
  await expect(german.getByText(subject)).toBeVisible();
  await expect(german.getByText('Öffnen')).toBeVisible();
  expect(await violations(page)).toEqual([]);

  // The server refuses the group, and a person who has left meanwhile; each at its field.
  const confirm = async (people: string) => {
    await page.getByRole('button', { name: 'Send…' }).click();
    const dialog = page.getByRole('dialog', { name: `Notify ${people}?` });
    await dialog.getByRole('button', { name: 'Send now' }).click();
  };
  await confirm('3 people');
  await expect(page.getByRole('textbox', { name: 'Kind' })).toBeFocused();
  await expect(page.getByText('Must begin with one of: product.')).toBeVisible();
  await page.getByRole('textbox', { name: 'Kind' }).fill('product.order');
  await people.asRoot('PATCH', `/users/${gone.id}`, { is_active: false });
  await confirm('3 people');
  await expect(page.getByText('No active account has this id.').first()).toBeVisible();
  await page.getByRole('button', { name: `Remove ${gone.email}` }).click();

  // The answer is lost; the repetition sends nothing.
  const keys: (string | undefined)[] = [];
  await page.route('**/api/notifications/send', async (route) => {
    keys.push(route.request().headers()['idempotency-key']);
    await route.fetch();
    await route.abort();
    await page.unroute('**/api/notifications/send');
  });
  await confirm('2 people');
  await expect(page.getByText('It may have been sent.', { exact: false })).toBeVisible();
  const repeated = page.waitForRequest('**/api/notifications/send');
  await confirm('2 people');
  keys.push((await repeated).headers()['idempotency-key']);
  await expect(page.getByRole('heading', { level: 1, name: 'Send notifications' })).toBeFocused();
  expect(keys[0]).toBe(keys[1]);
  for (const person of [ada, bob]) {
    const { total } = (await people.as(person, 'GET', '/notifications?kind=product')) as { total: number };
    expect(total).toBe(1);
  }

  // A role: the dialog names how many, and takes a no.
  await page.getByRole('link', { name: 'New notification' }).first().click();
  await page.getByRole('radio', { name: /^A role/ }).check();
  await page.getByRole('textbox', { name: 'Role' }).fill(`${role}x`);
  await page.getByRole('textbox', { name: 'Subject' }).fill(`To all, ${role}`);
  await page.getByRole('textbox', { name: 'Text' }).fill('It is on its way.');
  await page.getByRole('button', { name: 'Send…' }).click();
  await expect(page.getByText(`No active account has the role ${role}x.`)).toBeVisible();
  await page.getByRole('textbox', { name: 'Role' }).fill(role);
  await page.getByRole('button', { name: 'Send…' }).click();
  await expect(page.getByRole('heading', { name: 'Notify 2 people?' })).toBeVisible();
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();
  await expect(page.getByRole('button', { name: 'Send…' })).toBeEnabled();

  // While the worker is slow, the list shows the progress, also after a reload, and the send can be cancelled.
  let slow = true;
  await page.route(/\/api\/notifications\/jobs(\?|$)/, async (route) => {
    const response = await route.fetch();
    const body = (await response.json()) as { items: { subject: string | null }[] };
    const mine = body.items.find((each) => each.subject === `To all, ${role}`);
    if (mine && slow) Object.assign(mine, { state: 'running', notified: 1, finished_at: null });
    await route.fulfill({ response, json: body });
  });
  await confirm('2 people');
  const row = page.getByRole('listitem').filter({ hasText: `To all, ${role}` });
  await expect(row.getByText('1 of 2 people')).toBeVisible();
  await page.reload();
  await expect(row.getByRole('progressbar')).toHaveAttribute('value', '1');
  expect(await violations(page)).toEqual([]);
  slow = false;
  await expect(row.getByText('Sent')).toBeVisible();
  await expect(page.getByText(`“To all, ${role}” is sent.`)).toBeAttached();
  await expect(row.getByRole('button')).toHaveCount(0);
  slow = true;
  await page.reload();
  await row.getByRole('button', { name: 'Cancel' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel the send' }).click();
  await expect(page.getByText('The send is done, so it cannot be cancelled.')).toBeVisible();
});
