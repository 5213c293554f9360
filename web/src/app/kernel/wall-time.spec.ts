import { fromWallTime, wallTime } from './wall-time';

it('writes and reads times of a zone', () => {
  expect(wallTime('2026-05-03T12:00:00Z', 'Asia/Kathmandu')).toBe('2026-05-03T17:45');
  expect(wallTime('2026-01-01T00:30:00Z', 'America/New_York')).toBe('2025-12-31T19:30');
  expect(fromWallTime('2026-05-03T17:45', 'Asia/Kathmandu')).toBe('2026-05-03T12:00:00.000Z');
});

it('reads times beside a change of the clock', () => {
  expect(fromWallTime('2026-03-29T03:30', 'Europe/Berlin')).toBe('2026-03-29T01:30:00.000Z');
  expect(fromWallTime('2026-03-29T01:30', 'Europe/Berlin')).toBe('2026-03-29T00:30:00.000Z');
  expect(fromWallTime('2026-10-25T03:30', 'Europe/Berlin')).toBe('2026-10-25T02:30:00.000Z');
});

it('takes nothing for a time that is none', () => {
  expect(wallTime('yesterday', 'UTC')).toBe('');
  expect(fromWallTime('', 'UTC')).toBeNull();
});
