import { randomUUID } from 'node:crypto';

import type { People } from './people';

/** Open a tier of an account with two rate limits, one of them for no route. Returns its id. */
export async function openTier(people: People, account: string): Promise<string> {
  const created = (method: string, path: string, body: object) =>
    people.asRoot(method, `/plans/${path}`, body) as Promise<{ id: number }>;
  const tier = await created('POST', 'tiers', { name: `tier ${randomUUID().slice(0, 8)}` });
  const target = await created('POST', `tier-targets?tier_id=${String(tier.id)}`, {
    target_type: 'U',
    target_id: account,
  });
  for (const path of ['users_me', 'no_such_route'])
    await created('POST', `rate-limits?tier_target_id=${String(target.id)}`, {
      path,
      limit: 1000,
      period: 60,
      ...(path === 'users_me' && { quota: 100_000, quota_period: 'month' }),
    });
  return String(tier.id);
}
