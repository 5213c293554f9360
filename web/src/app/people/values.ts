import type { User, UserUpdate } from '../api/models';

/** The fields of an account that an administrator edits. */
export interface Values {
  name: string;
  email: string;
  roles: readonly string[];
  is_verified: boolean;
  is_superuser: boolean;
  is_active: boolean;
}
export type Field = keyof Values;
export const FIELDS: readonly Field[] = [
  'name',
  'email',
  'roles',
  'is_verified',
  'is_superuser',
  'is_active',
];

/** An account as the server last returned it, with its entity tag. */
export interface Loaded {
  readonly user: User;
  readonly etag: string | undefined;
}

export function valuesOf(user: User): Values {
  const { email, is_verified, is_superuser, is_active } = user;
  return {
    name: user.name ?? '',
    email,
    roles: [...user.roles].sort(),
    is_verified,
    is_superuser,
    is_active,
  };
}

const flat = (value: Values[Field]): string =>
  typeof value === 'object' ? [...value].sort().join() : String(value);

export function same(left: Values[Field], right: Values[Field]): boolean {
  return flat(left) === flat(right);
}

export function changedFields(base: Values, mine: Values): Field[] {
  return FIELDS.filter((field) => !same(base[field], mine[field]));
}

/** Copy fields from one account to another. */
export function take(fields: readonly Field[], from: Values, to: Values): Values {
  return { ...to, ...Object.fromEntries(fields.map((field) => [field, from[field]])) };
}

/** The request that makes `mine` of `base`. */
export function updateOf(base: Values, mine: Values): UserUpdate {
  const fields = changedFields(base, mine);
  const update = Object.fromEntries(fields.map((field) => [field, mine[field]]));
  return fields.includes('name') ? { ...update, name: mine.name || null } : update;
}
