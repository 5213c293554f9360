import { locale } from '../kernel/language';

export const UNITS = ['second', 'minute', 'hour', 'day'] as const;
export type Unit = (typeof UNITS)[number];

const LARGEST_FIRST: readonly Unit[] = ['day', 'hour', 'minute', 'second'];
const SECONDS: Readonly<Record<Unit, number>> = { second: 1, minute: 60, hour: 3600, day: 86_400 };

/** A period in the largest unit of which it is a multiple: 120 → 2 minutes. */
export function split(seconds: number): { readonly amount: number; readonly unit: Unit } {
  const unit = LARGEST_FIRST.find((each) => seconds % SECONDS[each] === 0) ?? 'second';
  return { amount: seconds / SECONDS[unit], unit };
}

export function toSeconds(amount: number, unit: Unit): number {
  return amount * SECONDS[unit];
}

/** A unit as the amount demands it, such as `minutes`. */
export function nameUnit(amount: number, unit: Unit): string {
  const parts = new Intl.NumberFormat(locale(), { style: 'unit', unit, unitDisplay: 'long' }).formatToParts(
    amount,
  );
  return parts.find(({ type }) => type === 'unit')?.value ?? unit;
}

/** A period in words, such as `minute` or `10 minutes`. */
export function formatPeriod(seconds: number): string {
  const { amount, unit } = split(seconds);
  if (amount === 1) return nameUnit(1, unit);
  return new Intl.NumberFormat(locale(), { style: 'unit', unit, unitDisplay: 'long' }).format(amount);
}

/** A time to wait, rounded up: `12 seconds`, `3 minutes`. */
export function formatWait(seconds: number): string {
  const unit = LARGEST_FIRST.find((each) => seconds >= 2 * SECONDS[each]) ?? 'second';
  return new Intl.NumberFormat(locale(), { style: 'unit', unit, unitDisplay: 'long' }).format(
    Math.ceil(seconds / SECONDS[unit]),
  );
}
