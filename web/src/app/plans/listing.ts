import { HttpClient, type HttpHeaders, httpResource } from '@angular/common/http';
import { computed, effect, inject, linkedSignal, Signal, signal, untracked } from '@angular/core';
import { firstValueFrom } from 'rxjs';

import { listRateLimits } from '../api/fn/plans/list-rate-limits';
import { listTierTargets } from '../api/fn/plans/list-tier-targets';
import type { RateLimit, TierTarget } from '../api/models';
import type { List } from '../kernel/read';

const PAGE = 50;
const MOST = 1000; // of one request

/** The targets of a tier, page by page: the body is an array, and the header X-Total-Count has the number of all. */
export function readTargets(tier: Signal<number>): List<TierTarget> {
  const http = inject(HttpClient);
  const attempt = signal(0);
  const start = computed(() => ({ tier_id: tier(), attempt: attempt() }));
  const after = linkedSignal<unknown, number>({ source: start, computation: () => 0 });
  const page = httpResource<TierTarget[]>(() => ({
    url: `/api${listTierTargets.PATH}`,
    params: { tier_id: start().tier_id, after: after(), limit: PAGE },
  }));
  const items = signal<readonly TierTarget[] | undefined>(undefined);
  const total = signal<number | undefined>(undefined);
  const hasMore = signal(false);
  let last = 0; // of the pages that were read
  const show = (targets: readonly TierTarget[], headers: HttpHeaders | undefined) => {
    items.set(targets);
    last = targets.at(-1)?.id ?? 0;
    total.set(Number(headers?.get('X-Total-Count')));
    hasMore.set(headers?.has('Link') ?? false);
  };
  effect(() => {
    if (page.status() !== 'resolved' || !page.hasValue()) return;
    const read = page.value();
    // One that was added by this page comes again with its own page.
    const known = new Set(read.map(({ id }) => id));
    const before = after() ? (untracked(items) ?? []).filter(({ id }) => !known.has(id)) : [];
    show([...before, ...read], page.headers());
  });
  return {
    items: items.asReadonly(),
    error: page.error,
    moreError: computed(() => (after() ? page.error() : undefined)),
    total: total.asReadonly(),
    isLoading: page.isLoading,
    hasMore: hasMore.asReadonly(),
    more: () => {
      if (page.error()) page.reload();
      else if (!page.isLoading()) after.set(last);
    },
    reload: () => {
      if (page.error()) page.reload();
      else attempt.update((count) => count + 1);
    },
    refresh: () => {
      const before = items();
      if (page.isLoading() || !before) return false;
      const params = { tier_id: tier(), limit: Math.min(MOST, Math.max(PAGE, before.length)) };
      firstValueFrom(listTierTargets(http, '/api', params)).then(
        ({ body, headers }) => {
          if (!page.isLoading() && items() === before && tier() === params.tier_id) show(body, headers);
        },
        () => undefined, // they stay as they are; a later event reads them again
      );
      return true;
    },
    update: (change) => {
      const before = items() ?? [];
      const next = change(before);
      items.set(next);
      total.update((count) => count && count + next.length - before.length);
    },
  };
}

/** Return a function that reads all rate limits of a tier. */
export function rateLimitsReader(): (tier: number) => Promise<readonly RateLimit[]> {
  const http = inject(HttpClient);
  return async (tier) => {
    const found: RateLimit[] = [];
    for (let more = true; more;) {
      const params = { tier_id: tier, after: found.at(-1)?.id ?? 0, limit: MOST };
      const { body, headers } = await firstValueFrom(listRateLimits(http, '/api', params));
      found.push(...body);
      more = headers.has('Link');
    }
    return found;
  };
}
