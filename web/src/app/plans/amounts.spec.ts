import { speak } from '../kernel/language';
import { formatPeriod, formatWait, nameUnit, split, toSeconds, UNITS } from './amounts';
import { t } from './texts';

beforeEach(() => {
  speak('en');
});

it.each([1, 59, 60, 90, 600, 3600, 5400, 86_400, 2_678_400])('splits %i seconds without loss', (seconds) => {
  const { amount, unit } = split(seconds);
  expect(toSeconds(amount, unit)).toBe(seconds);
  const larger = UNITS.slice(UNITS.indexOf(unit) + 1);
  expect(larger.filter((each) => seconds % toSeconds(1, each) === 0)).toEqual([]);
});

it('names periods and rates', () => {
  expect([formatPeriod(60), formatPeriod(600), formatPeriod(90)]).toEqual([
    'minute',
    '10 minutes',
    '90 seconds',
  ]);
  expect(nameUnit(0, 'day')).toBe('days');
  expect(t().amount(1, 60)).toBe('1 request per minute');
  expect(t().amount(5000, 7200)).toBe('5,000 requests in 2 hours');
  speak('de');
  expect(t().amount(5000, 31 * 86_400)).toBe('5.000 Anfragen in 31 Tagen');
  expect(t().amount(2, 86_400)).toBe('2 Anfragen pro Tag');
});

it('rounds waits up, so that no one comes too early', () => {
  expect([formatWait(1), formatWait(119), formatWait(121), formatWait(7201)]).toEqual([
    '1 second',
    '119 seconds',
    '3 minutes',
    '3 hours',
  ]);
});
