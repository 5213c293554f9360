import { provideHttpClient } from '@angular/common/http';
import { HttpTestingController, provideHttpClientTesting } from '@angular/common/http/testing';
import { ApplicationRef, signal } from '@angular/core';
import { TestBed } from '@angular/core/testing';

import { getUser } from '../api/fn/users/get-user';
import { listUsers } from '../api/fn/users/list-users';
import type { User } from '../api/models';
import { read, readList } from './read';

let http: HttpTestingController;
const person = (email: string) => ({ id: email, email }) as User;
const settle = () => TestBed.inject(ApplicationRef).whenStable();

async function answer(url: string, body: unknown): Promise<void> {
  TestBed.tick();
  http.expectOne(url).flush(body as object);
  await settle();
}

beforeEach(() => {
  TestBed.configureTestingModule({ providers: [provideHttpClient(), provideHttpClientTesting()] });
  http = TestBed.inject(HttpTestingController);
});
afterEach(() => http.verify());

it('puts parameters into the path and the query, and reads nothing without any', async () => {
  const id = signal<string | undefined>(undefined);
  const user = TestBed.runInInjectionContext(() =>
    read(getUser, () => {
      const value = id();
      return value === undefined ? undefined : { id: value };
    }),
  );
  TestBed.tick();
  http.expectNone(() => true);
  id.set('a/b');
  await answer('/api/users/a%2Fb', person('ada'));
  expect(user.value()?.email).toBe('ada');
});

describe('readList', () => {
  const q = signal('');
  const start = () => TestBed.runInInjectionContext(() => readList(listUsers, () => ({ q: q() })));
  const emails = (list: { items: () => readonly User[] | undefined }) =>
    list.items()?.map(({ email }) => email);

  beforeEach(() => q.set(''));

  it('adds pages', async () => {
    const list = start();
    await answer('/api/users', { items: [person('a')], next_cursor: '2', total: 2 });
    expect(list.hasMore()).toBe(true);
    list.more();
    list.more();
    await answer('/api/users?cursor=2', { items: [person('b')], next_cursor: null, total: 2 });
    expect(emails(list)).toEqual(['a', 'b']);
    expect(list.hasMore()).toBe(false);
  });

  it('shows an item once that has moved to a later page in the meantime', async () => {
    const list = start();
    await answer('/api/users', { items: [person('a'), person('b')], next_cursor: '2', total: 3 });
    list.more();
    await answer('/api/users?cursor=2', { items: [person('c'), person('a')], next_cursor: null, total: 3 });
    expect(emails(list)).toEqual(['b', 'c', 'a']);
  });

  it('counts the items that the application takes away', async () => {
    const list = start();
    await answer('/api/users', { items: [person('a'), person('b')], next_cursor: '2', total: 9 });
    list.update((items) => items.slice(1));
    expect(emails(list)).toEqual(['b']);
    expect(list.total()).toBe(8);
  });

  it('starts again when a filter changes, also while a page is read', async () => {
    const list = start();
    await answer('/api/users', { items: [person('a')], next_cursor: '2', total: 2 });
    list.more();
    TestBed.tick();
    const late = http.expectOne('/api/users?cursor=2');
    q.set('x');
    TestBed.tick();
    expect(late.cancelled).toBe(true);
    await answer('/api/users?q=x', { items: [person('x')], next_cursor: null, total: 1 });
    expect(emails(list)).toEqual(['x']);
  });

  it('reads a failed page again, once', async () => {
    const list = start();
    await answer('/api/users', { items: [person('a')], next_cursor: '2', total: 2 });
    list.more();
    TestBed.tick();
    http.expectOne('/api/users?cursor=2').flush({}, { status: 503, statusText: '' });
    await settle();
    expect(list.error()).toBeDefined();
    expect(emails(list)).toEqual(['a']);
    list.reload();
    await answer('/api/users?cursor=2', { items: [person('b')], next_cursor: null, total: 2 });
    expect(emails(list)).toEqual(['a', 'b']);
  });
});
