import { HttpClient, HttpContext, httpResource, HttpResourceRef } from '@angular/common/http';
import { computed, effect, inject, linkedSignal, Signal, signal } from '@angular/core';
import { firstValueFrom, type Observable } from 'rxjs';

import type { StrictHttpResponse } from '../api/strict-http-response';

/** A function of src/app/api that reads: its types, and the path of its operation. */
export interface Operation<P, R> {
  (http: HttpClient, rootUrl: string, params: P, context?: HttpContext): Observable<StrictHttpResponse<R>>;
  readonly PATH: string;
}

const MOST = 100; // items of a page

type Scalar = string | number | boolean;

/**
 * Read by an operation of src/app/api, as an `httpResource`: again whenever a signal that `params` uses changes.
 * `undefined` as parameters reads nothing.
 */
export function read<P, R>(
  operation: Operation<P, R>,
  params: () => P | undefined,
): HttpResourceRef<R | undefined> {
  return httpResource<R>(() => {
    const values = params();
    if (values === undefined) return undefined;
    let url = `/api${operation.PATH}`;
    const query: Record<string, Scalar | readonly Scalar[]> = {};
    for (const [name, value] of Object.entries(values as Record<string, Scalar | null | undefined>)) {
      if (url.includes(`{${name}}`)) url = url.replace(`{${name}}`, encodeURIComponent(String(value)));
      else if (value !== undefined && value !== null && value !== '') query[name] = value;
    }
    return { url, params: query };
  });
}

interface Page<T> {
  items: T[];
  next_cursor: string | null;
  total: number;
}

/** The items of the pages that were read so far. */
export interface List<T> {
  /** undefined until the first page is there. */
  readonly items: Signal<readonly T[] | undefined>;
  /** Why a page could not be read. */
  readonly error: Signal<Error | undefined>;
  /** The same, where there are pages before it. */
  readonly moreError: Signal<Error | undefined>;
  /** The number of items of all pages, as the server counts it. */
  readonly total: Signal<number | undefined>;
  readonly isLoading: Signal<boolean>;
  readonly hasMore: Signal<boolean>;
  /** Read the next page. */
  more(): void;
  /** Read again from the first page. */
  reload(): void;
  /** Read again what is shown, without a sign of it on the page. False if the list is being read already. */
  refresh(): boolean;
  /** Show a change of items that the application made. */
  update(change: (items: readonly T[]) => readonly T[]): void;
}

/** The last value of a resource, also while it cannot be read again. */
export function lastValue<T>(resource: HttpResourceRef<T | undefined>): Signal<T | undefined> {
  return linkedSignal<T | undefined, T | undefined>({
    source: () => (resource.hasValue() ? resource.value() : undefined),
    computation: (value, previous) => value ?? previous?.value,
  });
}

/** Read a list page by page. A change of `params` starts again with the first page. */
export function readList<P extends { cursor?: string }, T extends { readonly id: string }>(
  operation: Operation<P | undefined, Page<T>> | Operation<P, Page<T>>,
  params: () => P | undefined,
): List<T> {
  const http = inject(HttpClient);
  const attempt = signal(0);
  const start = computed(() => ({ params: params(), attempt: attempt() }));
  const cursor = linkedSignal<unknown, string | undefined>({ source: start, computation: () => undefined });
  const page = read(operation, () => {
    const { params: values } = start();
    return values && { ...values, cursor: cursor() };
  });
  const items = signal<readonly T[] | undefined>(undefined); // of the previous parameters until the new page is there
  const next = signal<string | null>(null);
  const total = signal<number | undefined>(undefined);
  effect(() => {
    if (page.status() !== 'resolved' || !page.hasValue()) return;
    const read = page.value();
    items.update((before) => (cursor() === undefined ? read.items : extended(before ?? [], read.items)));
    next.set(read.next_cursor);
    total.set(read.total);
  });
  const refresh = async (before: readonly T[], values: P | undefined) => {
    const state = [start(), cursor(), before];
    const found: T[] = [];
    let answer: Page<T>;
    let from: string | undefined;
    do {
      const limit = Math.min(MOST, Math.max(before.length - found.length, 20));
      const request = operation(http, '/api', { ...values, limit, cursor: from } as unknown as P);
      answer = (await firstValueFrom(request)).body;
      found.push(...answer.items);
      from = answer.next_cursor ?? undefined;
    } while (from !== undefined && found.length < before.length);
    if (page.isLoading() || [start(), cursor(), items()].some((each, index) => each !== state[index])) return;
    items.set(found);
    next.set(answer.next_cursor);
    total.set(answer.total);
  };
  return {
    items: items.asReadonly(),
    error: page.error,
    moreError: computed(() => (cursor() === undefined ? undefined : page.error())),
    total: total.asReadonly(),
    isLoading: page.isLoading,
    hasMore: computed(() => next() !== null),
    more: () => {
      if (page.error()) page.reload();
      else if (!page.isLoading()) cursor.set(next() ?? undefined);
    },
    reload: () => {
      if (page.error()) page.reload();
      else attempt.update((count) => count + 1);
    },
    refresh: () => {
      const before = items();
      if (page.isLoading() || !before) return false;
      // The items stay as they are if they cannot be read now; a later event reads them again.
      refresh(before, params()).catch(() => undefined);
      return true;
    },
    update: (change) => {
      const before = items();
      if (!before) return;
      const after = change(before);
      items.set(after);
      total.update((count) => count && count + after.length - before.length);
    },
  };
}

// An item whose place in the order has changed is in two pages. The later one has its present state.
function extended<T extends { readonly id: string }>(before: readonly T[], page: readonly T[]): readonly T[] {
  const ids = new Set(page.map(({ id }) => id));
  return [...before.filter(({ id }) => !ids.has(id)), ...page];
}
