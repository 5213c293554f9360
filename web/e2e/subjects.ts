import { expect } from '@playwright/test';

import type { Account, People } from './people';
import { openTier } from './tiers';

/** The ids that a path of routes.ts names, of things that are made for the account that looks at them. */
export async function subjects(
  path: string,
  account: Account,
  people: People,
): Promise<Record<string, string>> {
  const ids = { id: account.id };
  if (path.includes('{webhook}')) return { ...ids, ...(await testedWebhook(account, people)) };
  if (path.includes('{tier}')) return { ...ids, tier: await openTier(people, account.id) };
  return ids;
}

/** A webhook, and a delivery to it that failed, since nothing listens there. */
async function testedWebhook(
  account: Account,
  people: People,
): Promise<{ webhook: string; delivery: string }> {
  const url = 'http://127.0.0.1:9/a/path/that/is/longer/than/a/small/window/is/wide/and/has/no/spaces';
  const description = 'Orders of the shop in Berlin';
  const body = { url, description, events: ['users.updated', 'sessions.*'] };
  const { endpoint } = (await people.as(account, 'POST', '/webhooks', body)) as { endpoint: { id: string } };
  const path = `/webhooks/${endpoint.id}`;
  const { id } = (await people.as(account, 'POST', `${path}/test`)) as { id: string };
  await expect
    .poll(async () => JSON.stringify(await people.as(account, 'GET', `${path}/deliveries/${id}`)))
    .toContain('"state":"failed"');
  return { webhook: endpoint.id, delivery: id };
}
