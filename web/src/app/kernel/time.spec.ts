import { HttpClient, provideHttpClient, withInterceptors } from '@angular/common/http';
import { HttpTestingController, provideHttpClientTesting } from '@angular/common/http/testing';
import { TestBed } from '@angular/core/testing';
import { firstValueFrom } from 'rxjs';

import { speak } from './language';
import { exactTime, followServerTime, formatNumber, now, relativeTime, setTimeZone } from './time';

const ago = (seconds: number) => relativeTime(new Date(now() - seconds * 1000).toISOString());

afterEach(() => speak('en'));

it('writes times from now', () => {
  expect([0, 59, 60, 3600, 86_400, 86_400 * 14, -7200].map(ago)).toEqual([
    'now',
    'now',
    '1 minute ago',
    '1 hour ago',
    'yesterday',
    '2 weeks ago',
    'in 2 hours',
  ]);
  speak('de');
  expect(ago(60)).toBe('vor 1 Minute');
});

it('writes exact times in the chosen zone', () => {
  setTimeZone('Asia/Kathmandu');
  expect(exactTime('2026-05-03T12:00:00Z')).toContain('05:45:00 PM GMT+5:45');
  setTimeZone('UTC');
  expect(exactTime('2026-05-03T12:00:00Z')).toBe('May 3, 2026, 12:00:00 PM UTC');
});

it('writes numbers as the language does', () => {
  expect(formatNumber(1234567)).toBe('1,234,567');
  speak('de');
  expect(formatNumber(1234567)).toBe('1.234.567');
});

it('follows the clock of the server where that of the device is wrong', async () => {
  TestBed.configureTestingModule({
    providers: [provideHttpClient(withInterceptors([followServerTime])), provideHttpClientTesting()],
  });
  const respond = async (date: number) => {
    const response = firstValueFrom(TestBed.inject(HttpClient).get('/api'));
    TestBed.inject(HttpTestingController)
      .expectOne('/api')
      .flush(null, { headers: { Date: new Date(date).toUTCString() } });
    await response;
  };
  const start = Date.now();
  await respond(start + 7200_000);
  expect(relativeTime(new Date(start + 7200_000).toISOString())).toBe('now');
  await respond(start + 1000); // the header has whole seconds, so that a small difference says nothing
  expect(now()).toBeLessThan(start + 60_000);
  expect(relativeTime(new Date(start).toISOString())).toBe('now');
});
