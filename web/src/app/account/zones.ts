import { locale } from '../kernel/language';

export interface Zone {
  /** IANA name, such as `America/New_York`. */
  readonly name: string;
  /** The name in words, such as `America/New York`. */
  readonly text: string;
  /** Difference to UTC now, such as `GMT-5`. */
  readonly offset: string;
}

/** Describe a time zone. */
export function zoneOf(name: string): Zone {
  const format = new Intl.DateTimeFormat(locale(), { timeZone: name, timeZoneName: 'shortOffset' });
  const offset = format.formatToParts().find(({ type }) => type === 'timeZoneName')?.value ?? '';
  return { name, text: name.replaceAll('_', ' '), offset };
}

/** All time zones that the browser knows. */
export function allZones(): Zone[] {
  const names = new Set([...Intl.supportedValuesOf('timeZone'), 'UTC']);
  return [...names].sort().map(zoneOf);
}
