import { provideHttpClient } from '@angular/common/http';
import { HttpTestingController, provideHttpClientTesting } from '@angular/common/http/testing';
import { ApplicationRef, signal } from '@angular/core';
import { TestBed } from '@angular/core/testing';

import type { TierTarget } from '../api/models';
import { rateLimitsReader, readTargets } from './listing';

let http: HttpTestingController;
const target = (id: number) => ({ id }) as TierTarget;

async function answer(url: string, body: object, headers: Record<string, string>): Promise<void> {
  TestBed.tick();
  http.expectOne(url).flush(body, { headers });
  await TestBed.inject(ApplicationRef).whenStable();
}

beforeEach(() => {
  TestBed.configureTestingModule({ providers: [provideHttpClient(), provideHttpClientTesting()] });
  http = TestBed.inject(HttpTestingController);
});
afterEach(() => http.verify());

it('reads targets page by page, and counts those that come and go', async () => {
  const tier = signal(7);
  const list = TestBed.runInInjectionContext(() => readTargets(tier));
  await answer('/api/plans/tier-targets?tier_id=7&after=0&limit=50', [target(1), target(2)], {
    'X-Total-Count': '3',
    Link: '</api>; rel="next"',
  });
  expect([list.total(), list.hasMore()]).toEqual([3, true]);
  list.update((items) => [...items, target(9)]);
  list.more();
  await answer('/api/plans/tier-targets?tier_id=7&after=2&limit=50', [target(3), target(9)], {
    'X-Total-Count': '4',
  });
  expect(list.items()?.map(({ id }) => id)).toEqual([1, 2, 3, 9]);
  expect(list.hasMore()).toBe(false);
  list.update((items) => items.slice(1));
  expect(list.total()).toBe(3);
  tier.set(8);
  await answer('/api/plans/tier-targets?tier_id=8&after=0&limit=50', [], { 'X-Total-Count': '0' });
  expect(list.items()).toEqual([]);
});

it('reads all rate limits of a tier', async () => {
  const reader = TestBed.runInInjectionContext(() => rateLimitsReader());
  const all = reader(7);
  await answer('/api/plans/rate-limits?tier_id=7&after=0&limit=1000', [{ id: 4 }], {
    Link: '<x>; rel="next"',
  });
  await answer('/api/plans/rate-limits?tier_id=7&after=4&limit=1000', [{ id: 9 }], {});
  expect((await all).map(({ id }) => id)).toEqual([4, 9]);
});
