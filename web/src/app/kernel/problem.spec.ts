import { HttpErrorResponse, HttpHeaders } from '@angular/common/http';

import { explainFields } from './field-error';
import { speak } from './language';
import { problemOf } from './problem';

const BODY = { code: 'NOT_FOUND', detail: 'There is no such person.', trace_id: 'abc', errors: [] };
const failure = (status: number, error: unknown, headers: Record<string, string> = {}) =>
  new HttpErrorResponse({ status, error, headers: new HttpHeaders(headers) });

afterEach(() => speak('en'));

it('reads a problem document', () => {
  expect(problemOf(failure(404, BODY))).toMatchObject({
    status: 404,
    code: 'NOT_FOUND',
    detail: BODY.detail,
    traceId: 'abc',
  });
});

it('reads a problem of a request without a response body, which HttpClient leaves as text', () => {
  expect(problemOf(failure(404, JSON.stringify(BODY))).code).toBe('NOT_FOUND');
});

it.each([['<html>Bad gateway</html>'], [null], [''], ['null'], [{ error: 'other' }]])(
  'survives the body %s',
  (body) => {
    expect(problemOf(failure(500, body))).toMatchObject({ status: 500, code: 'UNEXPECTED', errors: [] });
  },
);

it.each([0, 502, 503, 504])('takes the status %i without a problem document for no answer', (status) => {
  expect(problemOf(failure(status, '<html>Bad gateway</html>')).code).toBe('OFFLINE');
  expect(problemOf(failure(503, { ...BODY, code: 'UNAVAILABLE' })).code).toBe('UNAVAILABLE');
});

it('says in the language of the application how long to wait', () => {
  const limited = failure(429, { ...BODY, code: 'RATE_LIMITED' }, { 'Retry-After': '150' });
  expect(problemOf(limited).detail).toBe('Too many attempts. Try again in 3 minutes.');
  speak('de');
  expect(problemOf(limited).detail).toBe('Zu viele Versuche. Versuchen Sie es in 3 Minuten erneut.');
});

it('takes other errors for unexpected ones', () => {
  expect(problemOf(new TypeError('x')).status).toBe(-1);
});

it('says in the language of the application what is wrong with a field', () => {
  const errors = [
    { pointer: '/name', detail: 'Must have at most 100 characters.', code: 'too_long', params: { max: 100 } },
    { pointer: '/url', detail: 'Is refused.', code: 'of_a_feature' },
  ];
  const invalid = failure(422, { ...BODY, code: 'VALIDATION_FAILED', errors });
  const details = () => problemOf(invalid).errors.map(({ detail }) => detail);
  expect(details()).toEqual(['Must have at most 100 characters.', 'Is refused.']);
  speak('de');
  expect(details()).toEqual(['Geben Sie höchstens 100 Zeichen ein.', 'Is refused.']);
  explainFields({ de: { of_a_feature: () => 'Ist abgelehnt.' } });
  expect(details()[1]).toBe('Ist abgelehnt.');
});
