import { Injector, runInInjectionContext } from '@angular/core';
import { TestBed } from '@angular/core/testing';

import { type Happening, Live, refreshOn } from './live';

const event = (type: string, own = true): Happening => ({
  type,
  isHint: false,
  id: '',
  userId: null,
  own,
  data: {},
});
const hint = (type: string): Happening => ({ ...event(type, false), isHint: true });

function follow(types: readonly string[], concerns?: (happening: Happening) => boolean, kept?: number) {
  const read = vi.fn();
  runInInjectionContext(TestBed.inject(Injector), () => refreshOn(types, { reload: read }, concerns, kept));
  const live = TestBed.inject(Live);
  return { read, announce: (happening: Happening | null) => live.announce(happening) };
}

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

it('reads again after events by a pattern, and after hints by their whole name', () => {
  const { read, announce } = follow(['*', 'outbox.tasks'], ({ own }) => own);
  for (const other of [hint('outbox.events'), hint('outbox'), event('users.updated', false)]) announce(other);
  vi.advanceTimersByTime(60_000);
  expect(read).not.toHaveBeenCalled();
  for (const [index, meant] of [hint('outbox.tasks'), event('users.updated'), null].entries()) {
    announce(meant);
    vi.advanceTimersByTime(1000);
    expect(read).toHaveBeenCalledTimes(index + 1);
  }
});

it('reads at most once a second, and after twenty times every ten seconds', () => {
  const { read, announce } = follow(['outbox.tasks']);
  const change = (seconds: number) => {
    for (let tenths = 0; tenths < 10 * seconds; tenths++) {
      announce(hint('outbox.tasks'));
      vi.advanceTimersByTime(100);
    }
  };
  change(10);
  expect(read.mock.calls.length).toBeGreaterThanOrEqual(9);
  expect(read.mock.calls.length).toBeLessThanOrEqual(11);
  change(3590);
  expect(read.mock.calls.length).toBeLessThanOrEqual(385); // an account has 1,000 requests an hour
  expect(read.mock.calls.length).toBeGreaterThanOrEqual(360);
});

it('reads once more when the server does not keep its answer any longer', () => {
  const { read, announce } = follow(['outbox.events'], undefined, 2500);
  announce(hint('outbox.events'));
  vi.advanceTimersByTime(1000);
  expect(read).toHaveBeenCalledTimes(1);
  vi.advanceTimersByTime(10_000);
  expect(read).toHaveBeenCalledTimes(2);
});
