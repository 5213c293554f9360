import { HttpClient, provideHttpClient, withInterceptors } from '@angular/common/http';
import { HttpTestingController, provideHttpClientTesting } from '@angular/common/http/testing';
import { TestBed } from '@angular/core/testing';
import { firstValueFrom } from 'rxjs';

import { nameChanges } from './repetition';

let http: HttpTestingController;

/** Send a request, let it end with a status, and return the key that it had. */
function send(method: string, body: unknown, status: number, document: unknown = null): string | null {
  TestBed.inject(HttpClient)
    .request(method, '/api/things', { body })
    .subscribe({ error: () => undefined });
  const sent = http.expectOne('/api/things');
  if (status) sent.flush(document as object, { status, statusText: 'x' });
  else sent.error(new ProgressEvent('error'));
  return sent.request.headers.get('Idempotency-Key');
}

beforeEach(() => {
  TestBed.configureTestingModule({
    providers: [provideHttpClient(withInterceptors([nameChanges])), provideHttpClientTesting()],
  });
  http = TestBed.inject(HttpTestingController);
});
afterEach(() => http.verify());

it('gives each POST a key of its own', () => {
  const keys = [send('POST', 1, 201), send('POST', 1, 201), send('POST', 1, 422), send('POST', 1, 201)];
  expect(new Set(keys).size).toBe(4);
  expect(keys[0]).toMatch(/^\d+-\d+-\d+-\d+$/);
  expect(send('PATCH', 1, 200)).toBeNull();
});

it('gives a POST a key of its own when nothing waits for the end of the one before', async () => {
  const answer = firstValueFrom(TestBed.inject(HttpClient).post('/api/things', 1));
  const sent = http.expectOne('/api/things');
  sent.flush({}, { status: 201, statusText: 'x' });
  await answer;
  expect(send('POST', 1, 201)).not.toBe(sent.request.headers.get('Idempotency-Key'));
});

it('repeats the key of a POST that got no answer, for the same change only', () => {
  const key = send('POST', { name: 'a' }, 0);
  expect(send('POST', { name: 'a' }, 503)).toBe(key);
  expect(send('POST', { name: 'a' }, 409, { code: 'IDEMPOTENCY_IN_PROGRESS', detail: '' })).toBe(key);
  expect(send('POST', { name: 'a' }, 201)).toBe(key);
  expect(send('POST', { name: 'a' }, 0)).not.toBe(key);
  expect(send('POST', { name: 'b' }, 201)).not.toBe(key);
});

it('keeps the key while refusals do not tell whether the first request was done', () => {
  const key = send('POST', 1, 0);
  for (const status of [401, 403, 408, 429]) expect(send('POST', 1, status)).toBe(key);
  expect(send('POST', 1, 422)).toBe(key);
  expect(send('POST', 1, 201)).not.toBe(key);
});
