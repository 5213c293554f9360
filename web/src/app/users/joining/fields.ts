import { required, type SchemaPath, validate } from '@angular/forms/signals';

import { t } from './texts';

const SHORTEST = 8;
const LONGEST = 128;

/** An e-mail address with a dot in its domain; the server has the exact rule. */
export function emailAddress(path: SchemaPath<string>): void {
  required(path);
  validate(path, ({ value }) => {
    const typed = value().trim();
    return typed && !/^[^\s@]+@[^\s@.]+(\.[^\s@.]+)+$/.test(typed) ? { kind: 'email' } : undefined;
  });
}

/** A new password that the server would not refuse for its length. Whether it is easy to guess, the server finds. */
export function newPassword(path: SchemaPath<string>): void {
  required(path);
  validate(path, ({ value }) => {
    const { length } = Array.from(value().normalize('NFC')); // code points, as the server counts
    if (length === 0) return undefined;
    if (length < SHORTEST) return { kind: 'short', message: t().password.short };
    return length > LONGEST ? { kind: 'long', message: t().password.long } : undefined;
  });
}
