import { required, type SchemaPath, validate } from '@angular/forms/signals';

import { t } from './texts';

// Angular's maxLength() is not used: it sets `maxlength`, with which the browser cuts off what is pasted without a word,
// and it counts an emoji as two characters.

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
  hasLength(path, 8, 128);
}

/** A name of a person, which may be empty. */
export function personName(path: SchemaPath<string>): void {
  hasLength(path, 0, 100);
}

/** Limit the number of characters, which are code points of the normalized text, as the server counts them. */
function hasLength(path: SchemaPath<string>, least: number, most: number): void {
  validate(path, ({ value }) => {
    const { length } = Array.from(value().normalize('NFC'));
    if (length > most) return { kind: 'long', message: t().maxLength(most) };
    return length > 0 && length < least ? { kind: 'short', message: t().minLength(least) } : undefined;
  });
}
