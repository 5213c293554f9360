import { required, type SchemaPath, validate } from '@angular/forms/signals';

import { t as texts } from './texts';

const MOST_EVENTS = 50;

/** An address that a webhook may have; the server knows which are reachable. */
export function endpointUrl(path: SchemaPath<string>): void {
  required(path);
  validate(path, ({ value }) => {
    const typed = value().trim();
    const isUrl = URL.canParse(typed) && /^https?:\/\//.test(typed);
    return typed && !isUrl ? { kind: 'url', message: texts().fields.urlInvalid } : undefined;
  });
}

export function endpointDescription(path: SchemaPath<string>): void {
  validate(path, ({ value }) =>
    Array.from(value().trim()).length > 200 ? { kind: 'long', message: texts().fields.long } : undefined,
  );
}

export function endpointEvents(path: SchemaPath<readonly string[]>): void {
  validate(path, ({ value }) => {
    const { length } = value();
    if (!length) return { kind: 'least', message: texts().events.least };
    return length > MOST_EVENTS ? { kind: 'most', message: texts().events.most } : undefined;
  });
}

// `whsec_` and 24 to 64 bytes in complete base64, as the API requires.
const BASE64 = '[A-Za-z0-9+/]';
const SECRET = new RegExp(`^whsec_(${BASE64}{4}){8,20}((${BASE64}{4})?(${BASE64}{2}==)?|${BASE64}{3}=)$`);

/** A signing secret, where one is given. */
export function ownSecret(path: SchemaPath<string>): void {
  validate(path, ({ value }) =>
    value() && !SECRET.test(value().trim())
      ? { kind: 'secret', message: texts().fields.secretInvalid }
      : undefined,
  );
}
