import type { HttpHeaders, HttpResponse } from '@angular/common/http';

import type { Endpoint, EndpointChange } from '../api/models';

/** The fields of a webhook that its owner edits. */
export interface Values {
  url: string;
  description: string;
  events: readonly string[];
}
export type Field = keyof Values;
export const FIELDS: readonly Field[] = ['url', 'description', 'events'];

/** A webhook as the server last returned it, with its entity tag. */
export interface Loaded {
  readonly endpoint: Endpoint;
  readonly etag: string | undefined;
}

export function loadedFrom({ body, headers }: HttpResponse<Endpoint>): Loaded | undefined {
  return body ? load(body, headers) : undefined;
}

export function load(endpoint: Endpoint, headers: HttpHeaders | undefined): Loaded {
  return { endpoint, etag: headers?.get('ETag') ?? undefined };
}

export function valuesOf({ url, description, events }: Endpoint): Values {
  return { url, description, events: [...events].sort() };
}

/** A value as a text, which also compares it. */
export const textOf = (value: Values[Field]): string =>
  typeof value === 'string' ? value.trim() : [...value].sort().join(', ');

export function changedFields(base: Values, mine: Values): Field[] {
  return FIELDS.filter((field) => textOf(base[field]) !== textOf(mine[field]));
}

/** Copy fields from one to another. */
export function take(fields: readonly Field[], from: Values, to: Values): Values {
  return { ...to, ...Object.fromEntries(fields.map((field) => [field, from[field]])) };
}

/** The request that makes `mine` of `base`. */
export function changeOf(base: Values, mine: Values): EndpointChange {
  const change: EndpointChange = {};
  for (const field of changedFields(base, mine)) {
    if (field === 'events') change.events = [...mine.events];
    else change[field] = mine[field].trim();
  }
  return change;
}
