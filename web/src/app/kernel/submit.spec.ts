import { HttpErrorResponse } from '@angular/common/http';
import { signal } from '@angular/core';
import { TestBed } from '@angular/core/testing';
import { form, required, submit as send } from '@angular/forms/signals';
import { Observable, of, throwError } from 'rxjs';

import { firstError, submit } from './submit';

const invalid = (code: string, errors: { pointer: string; detail: string }[] = []) =>
  throwError(
    () =>
      new HttpErrorResponse({ status: 422, error: { code, detail: 'Not valid.', errors, trace_id: 't' } }),
  );

function build(answer: () => Observable<string>) {
  const done = vi.fn();
  const model = signal({ email: 'ada@example.com', roles: ['a'], 'x/y': '' });
  const tree = TestBed.runInInjectionContext(() =>
    form(model, (path) => required(path.email), {
      submission: submit({ send: answer, done, fields: { TAKEN: 'email' } }),
    }),
  );
  return { tree, model, done };
}

it('passes the value on, and then the result', async () => {
  const { tree, done } = build(() => of('result'));
  expect(await send(tree)).toBe(true);
  expect(done).toHaveBeenCalledWith('result', expect.objectContaining({ email: 'ada@example.com' }));
});

it('puts messages at the fields to which the pointers refer', async () => {
  const { tree } = build(() =>
    invalid('VALIDATION_FAILED', [
      { pointer: '/email', detail: 'Too long.' },
      { pointer: '/roles/0', detail: 'Unknown.' },
      { pointer: '/x~1y', detail: 'Missing.' },
    ]),
  );
  expect(await send(tree)).toBe(false);
  expect(tree.email().errors()[0]?.message).toBe('Too long.');
  expect(tree.roles[0]?.().errors()[0]?.message).toBe('Unknown.');
  expect(tree['x/y']().errors()[0]?.message).toBe('Missing.');
  expect(tree().errors()).toEqual([]);
});

it('puts others at the form', async () => {
  const { tree } = build(() => invalid('VALIDATION_FAILED', [{ pointer: '/unknown/0', detail: 'No.' }]));
  await send(tree);
  expect(tree().errors()[0]).toMatchObject({
    kind: 'server',
    message: 'Not valid. /unknown/0: No.',
    problem: { traceId: 't' },
  });
});

it('knows the field of a code', async () => {
  const { tree } = build(() => invalid('TAKEN'));
  await send(tree);
  expect(tree.email().errors()[0]?.message).toBe('Not valid.');
});

it('sends the same value again, and forgets what the server found before', async () => {
  let answer: Observable<string> = invalid('UNAVAILABLE');
  const { tree, done } = build(() => answer);
  await send(tree);
  expect(firstError(tree().errors())?.message).toBe('Not valid.');
  answer = of('result');
  await send(tree);
  expect(done).toHaveBeenCalledOnce();
  expect(firstError(tree().errors())).toBeUndefined();
});

it('sends nothing while a validator refuses a value', async () => {
  const answer = vi.fn(() => of('result'));
  const { tree, model } = build(answer);
  model.update((value) => ({ ...value, email: '' }));
  await send(tree);
  expect(answer).not.toHaveBeenCalled();
});

it('takes members of objects and arrays that are no fields for unknown pointers', async () => {
  const pointers = ['/constructor/name', '/roles/length', '/email/length', ''];
  const { tree } = build(() =>
    invalid(
      'VALIDATION_FAILED',
      pointers.map((pointer) => ({ pointer, detail: 'No.' })),
    ),
  );
  await send(tree);
  expect(tree().errors()).toHaveLength(1);
  expect(tree.email().errors()).toEqual([]);
});

it('sends again after the value was changed', async () => {
  const { tree, model } = build(() => invalid('TAKEN'));
  await send(tree);
  model.update((value) => ({ ...value, email: 'eve@example.com' }));
  expect(tree.email().errors()).toEqual([]);
  expect(tree().invalid()).toBe(false);
});
