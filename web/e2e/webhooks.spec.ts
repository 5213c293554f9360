import type { Page } from '@playwright/test';
import { execFileSync } from 'node:child_process';

import { expect, test as base } from './fixtures';
import { isValid, Receiver } from './receiver';
import { PYTHON, ROOT } from './stack';

const test = base.extend<{ readonly receiver: Receiver }>({
  receiver: async ({}, use) => {
    const receiver = await Receiver.start();
    await use(receiver);
    receiver.stop();
  },
});

/** Create a webhook of `users.*`, open its page, and return its secret. */
async function create(page: Page, { url }: Receiver): Promise<string> {
  await page.goto('/webhooks/new');
  await page.getByLabel('Address (URL)').fill(url);
  await page.getByLabel('Description').fill('Orders');
  await page.getByRole('checkbox', { name: /^All events/ }).uncheck();
  await page.getByRole('checkbox', { name: /^users\.\*/ }).check();
  await page.getByRole('button', { name: 'Create webhook' }).click();
  const secret = await shownSecret(page);
  await page.getByRole('link', { name: 'Open the webhook' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'Orders' })).toBeFocused();
  return secret;
}

async function shownSecret(page: Page): Promise<string> {
  await expect(page.getByText('Copy the secret now. It is not shown again.')).toBeVisible();
  const secret = await page
    .getByRole('group', { name: 'Secret', exact: true })
    .getByText(/^whsec_/)
    .innerText();
  await expect(page.getByRole('region', { name: 'Receiver in Python' })).toContainText(secret);
  return secret;
}

const row = (page: Page, type: string) => page.getByRole('row').filter({ hasText: type });

test('a webhook is created and tested, and its deliveries arrive by themselves', async ({
  page,
  person,
  people,
  receiver,
  watch,
}) => {
  watch.expect(/status of 422/);
  await page.goto('/webhooks');
  await expect(page.getByRole('heading', { name: 'No webhooks yet' })).toBeVisible();
  await expect(page.getByRole('region', { name: 'Receiver in Python' })).toContainText('standardwebhooks');
  await page.getByRole('link', { name: 'New webhook' }).first().click();
  await page.getByLabel('Address (URL)').fill('https://10.0.0.1/');
  await page.getByRole('button', { name: 'Create webhook' }).click();
  await expect(page.getByText('The host name resolves to an address that is not public.')).toBeVisible();

  receiver.secret = await create(page, receiver);
  await expect(page.getByRole('heading', { name: 'No deliveries yet' })).toBeVisible();
  await page.getByRole('button', { name: 'Send test' }).click();
  await expect(page.getByText('The test arrived. 204')).toBeVisible();
  await expect(row(page, 'webhook.test').getByText('Delivered')).toBeVisible();

  await people.asRoot('PATCH', `/users/${person.id}`, { name: 'Grace Hopper' });
  const updated = row(page, 'users.updated');
  await expect(updated.getByText('Delivered')).toBeVisible();
  expect(receiver.types).toEqual(['webhook.test', 'users.updated']);
  await updated.getByRole('link').click();
  await expect(page.getByRole('heading', { level: 1, name: 'users.updated' })).toBeFocused();
  const attempt = page.getByRole('article', { name: 'Attempt 1' });
  await expect(attempt.getByText('Status 204')).toBeVisible();
  await expect(attempt.getByText('First byte')).toBeVisible();
  const headers = page.getByRole('region', { name: 'Header fields of the last attempt' });
  await expect(headers).toContainText(`webhook-id: ${receiver.received[1]?.id ?? ''}`);
  await expect(headers).toContainText('webhook-signature: v1,…');
  await expect(page.getByRole('region', { name: 'Body' })).toContainText(person.id);
  await page.getByRole('button', { name: 'Redeliver' }).click();
  await expect(page.getByRole('article', { name: 'Attempt 2' })).toBeVisible(); // by itself

  await page.getByRole('link', { name: 'Back to the webhook' }).click();
  await page.getByRole('combobox', { name: 'State' }).selectOption('Failed');
  await expect(page.getByRole('heading', { name: 'No delivery matches' })).toBeVisible();
  await page.getByRole('button', { name: 'Clear filters' }).first().click();
  await expect(updated).toBeVisible();
  await page.getByRole('link', { name: 'All webhooks' }).click();
  await page.getByRole('link', { name: 'Event catalog' }).click();
  await page.getByRole('searchbox', { name: 'Find an event' }).fill('users.updated');
  await page.getByText('users.updated', { exact: true }).click();
  await expect(page.getByRole('region', { name: 'Example of a body users.updated' })).toContainText(
    '"timestamp"',
  );
});

test('what failed is shown, and delivered again', async ({ page, person, people, receiver }) => {
  receiver.status = 500;
  await create(page, receiver);
  await people.asRoot('PATCH', `/users/${person.id}`, { name: 'Grace Hopper' });
  await expect(row(page, 'users.updated').getByText('Pending')).toBeVisible();
  await expect(row(page, 'users.updated').getByText('500')).toBeVisible();
  await expect(page.getByText(/failed attempts?,/)).toBeVisible();
  await page.getByRole('button', { name: 'Send test' }).click();
  await expect(page.getByText('The test failed.')).toBeVisible();
  await expect(row(page, 'webhook.test').getByText('Failed')).toBeVisible();

  receiver.status = 204;
  await page.getByRole('button', { name: 'Redeliver…' }).click();
  const dialog = page.getByRole('dialog');
  await expect(dialog.getByRole('radio', { name: /^Deliveries that failed/ })).toBeChecked();
  await dialog.getByRole('combobox', { name: 'Since' }).selectOption('one hour ago');
  await dialog.getByRole('button', { name: 'Redeliver' }).click();
  await expect(page.getByText('1 delivery is repeated.')).toBeVisible();
  await expect(row(page, 'webhook.test').getByText('Delivered')).toBeVisible();
  await page.getByRole('button', { name: 'Redeliver users.updated' }).click();
  await expect(row(page, 'users.updated').getByText('Delivered')).toBeVisible();
  await expect(page.getByText('Active', { exact: true })).toBeVisible();
  const ids = receiver.received.filter(({ type }) => type === 'users.updated').map(({ id }) => id);
  expect(ids.length).toBeGreaterThan(1);
  expect(new Set(ids).size).toBe(1);
});

test('deliveries are held while a webhook is disabled, and released', async ({
  page,
  person,
  people,
  receiver,
}) => {
  await create(page, receiver);
  await page.getByRole('button', { name: 'Disable', exact: true }).click();
  await expect(page.getByText('You have disabled it.')).toBeVisible();
  for (const name of ['Grace', 'Grace Hopper']) await people.asRoot('PATCH', `/users/${person.id}`, { name });
  await expect(row(page, 'users.updated').getByText('Held')).toHaveCount(2);
  await expect(page.getByText('2 deliveries are held so far.')).toBeVisible();
  expect(receiver.received).toEqual([]);
  await page.getByRole('button', { name: 'Enable', exact: true }).click();
  await expect(page.getByText('The webhook is enabled. 2 deliveries are released.')).toBeVisible();
  await expect(row(page, 'users.updated').getByText('Delivered')).toHaveCount(2);
  expect(receiver.types).toEqual(['users.updated', 'users.updated']);
});

test('a secret is rotated with an overlap, and the previous one is revoked', async ({
  page,
  person,
  receiver,
}) => {
  expect(person.id).not.toBe('');
  const old = await create(page, receiver);
  await page.getByRole('button', { name: 'Rotate secret' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('combobox').selectOption('3 days');
  await dialog.getByRole('button', { name: 'Rotate' }).click();
  const current = await shownSecret(page);
  await dialog.getByRole('button', { name: 'Done' }).click();
  await expect(page.getByText('The previous secret signs too until')).toBeVisible();
  await page.getByRole('button', { name: 'Send test' }).click();
  await expect(page.getByText('The test arrived.')).toBeVisible();
  const [both] = receiver.received;
  expect(both && [isValid(old, both), isValid(current, both)]).toEqual([true, true]);

  await page.getByRole('button', { name: 'Revoke previous secret' }).click();
  await dialog.getByRole('button', { name: 'Revoke previous secret' }).click();
  await expect(page.getByText('The previous secret signs too until')).toHaveCount(0);
  await page.getByRole('button', { name: 'Send test' }).click();
  await expect(row(page, 'webhook.test').getByText('Delivered')).toHaveCount(2);
  const [, one] = receiver.received;
  expect(one && [isValid(old, one), isValid(current, one)]).toEqual([false, true]);
});

test('two windows edit a webhook, which no other account sees', async ({
  page,
  person,
  people,
  receiver,
  signIn,
  newDevice,
  watch,
}) => {
  watch.expect(/status of 404/);
  watch.expect(/status of 412/);
  await create(page, receiver);
  const second = await newDevice();
  await signIn(person, second);
  const other = await second.newPage();
  await other.goto(page.url());
  await page.getByLabel('Description').fill('Mine');
  await other.getByLabel('Description').fill('Theirs');
  await other.getByRole('button', { name: 'Save' }).click();
  await expect(other.getByRole('heading', { level: 1, name: 'Theirs' })).toBeVisible();
  await page.getByRole('button', { name: 'Save' }).click();
  const dialog = page.getByRole('dialog');
  await expect(dialog.getByText('Theirs')).toBeVisible();
  await dialog.getByRole('radio', { name: /Mine/ }).check();
  await dialog.getByRole('button', { name: 'Save again' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'Mine' })).toBeVisible();

  const stranger = await newDevice();
  await signIn(await people.open(), stranger);
  const outside = await stranger.newPage();
  await outside.goto(page.url());
  await expect(outside.getByRole('heading', { name: 'Nothing is here' })).toBeVisible();

  await page.getByRole('button', { name: 'Delete webhook' }).click();
  await dialog.getByRole('button', { name: 'Delete webhook' }).click();
  await expect(page).toHaveURL('/webhooks');
  await expect(page.getByRole('heading', { name: 'No webhooks yet' })).toBeVisible();
});

const SIGN = `
import json, time
from api.webhooks.delivery import headers_of
from api.webhooks.secrets import generate, sign
from uuid import uuid4
old, new = generate(), generate()
moment, made = int(time.time()), []
for number in range(1000):
    id, body = str(uuid4()), json.dumps({"type": "users.updated", "data": {"n": number, "s": "ä€😀"}}, ensure_ascii=False)
    signature = sign([new, old] if number % 2 else [new], id, moment, body.encode())
    made.append({"headers": headers_of(id, moment, signature), "body": body, "both": bool(number % 2)})
print(json.dumps({"old": old, "new": new, "made": made}))
`;

test('a thousand signatures are verified in JavaScript, and changed ones are refused', () => {
  const output = execFileSync(PYTHON, ['-c', SIGN], { cwd: ROOT, maxBuffer: 1e8 });
  interface Made {
    readonly headers: Record<string, string>;
    readonly body: string;
    readonly both: boolean;
  }
  const {
    old,
    new: current,
    made,
  } = JSON.parse(String(output)) as { old: string; new: string; made: Made[] };
  expect(made.filter((each) => isValid(current, each))).toHaveLength(1000);
  expect(made.filter((each) => isValid(old, each))).toEqual(made.filter(({ both }) => both));
  const forged = made.slice(0, 100).flatMap(({ headers, body }) => [
    { headers, body: body.replace('"n"', '"m"') },
    { headers: { ...headers, 'webhook-id': '019c0000-0000-7000-8000-000000000001' }, body },
    { headers: { ...headers, 'webhook-timestamp': String(Number(headers['webhook-timestamp']) + 1) }, body },
  ]);
  expect(forged.filter((each) => isValid(current, each))).toEqual([]);
});
