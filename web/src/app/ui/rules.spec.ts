import { signal } from '@angular/core';
import { TestBed } from '@angular/core/testing';
import { form } from '@angular/forms/signals';

import { emailAddress, newPassword, personName } from './rules';

function check(email: string, password: string, name = ''): string[] {
  const tree = TestBed.runInInjectionContext(() =>
    form(signal({ email, password, name }), (path) => {
      emailAddress(path.email);
      newPassword(path.password);
      personName(path.name);
    }),
  );
  return tree()
    .errorSummary()
    .map(({ kind }) => kind);
}

it('accepts what the server accepts', () => {
  expect(check('ada@example.com', 'x'.repeat(8))).toEqual([]);
  expect(check('ada@bücher.example', '🦊'.repeat(128))).toEqual([]);
});

it('refuses an address without a dot in its domain', () => {
  expect(check('ada@example', 'x'.repeat(8))).toEqual(['email']);
  expect(check('ada@example.', 'x'.repeat(8))).toEqual(['email']);
  expect(check('', 'x'.repeat(8))).toEqual(['required']);
});

it('counts characters as the server does', () => {
  expect(check('ada@example.com', 'e\u0301'.repeat(7))).toEqual(['short']); // seven times é
  expect(check('ada@example.com', 'x'.repeat(129))).toEqual(['long']);
  expect(check('ada@example.com', '')).toEqual(['required']);
  expect(check('ada@example.com', 'x'.repeat(8), '🦊'.repeat(100))).toEqual([]);
  expect(check('ada@example.com', 'x'.repeat(8), '🦊'.repeat(101))).toEqual(['long']);
});
