import { language } from '../kernel/language';
import { formatNumber } from '../kernel/time';

const MOST_COUNTED = 10_000; // the server counts no further

/** A count of the server, such as `1,234` or `10,000+`. */
export function formatCount(count: number): string {
  return count >= MOST_COUNTED ? `${formatNumber(count)}+` : formatNumber(count);
}

/** A time span in its largest unit, such as `12 s`, `3 min` or `2 days`. */
export function formatAge(seconds: number): string {
  const [amount, unit] =
    seconds < 60
      ? [seconds, 'second']
      : seconds < 3600
        ? [seconds / 60, 'minute']
        : seconds < 86_400
          ? [seconds / 3600, 'hour']
          : [seconds / 86_400, 'day'];
  return new Intl.NumberFormat(language(), {
    style: 'unit',
    unit,
    unitDisplay: 'short',
    maximumFractionDigits: 0,
  }).format(Math.floor(amount));
}
