import { locale } from '../kernel/language';

// Chromium has the names of the CLDR, which keeps those of zones that the IANA has renamed.
const RENAMED: Readonly<Record<string, string>> = {
  'Africa/Asmera': 'Africa/Asmara',
  'America/Buenos_Aires': 'America/Argentina/Buenos_Aires',
  'America/Catamarca': 'America/Argentina/Catamarca',
  'America/Coral_Harbour': 'America/Atikokan',
  'America/Cordoba': 'America/Argentina/Cordoba',
  'America/Godthab': 'America/Nuuk',
  'America/Indianapolis': 'America/Indiana/Indianapolis',
  'America/Jujuy': 'America/Argentina/Jujuy',
  'America/Louisville': 'America/Kentucky/Louisville',
  'America/Mendoza': 'America/Argentina/Mendoza',
  'Asia/Calcutta': 'Asia/Kolkata',
  'Asia/Katmandu': 'Asia/Kathmandu',
  'Asia/Rangoon': 'Asia/Yangon',
  'Asia/Saigon': 'Asia/Ho_Chi_Minh',
  'Atlantic/Faeroe': 'Atlantic/Faroe',
  'Europe/Kiev': 'Europe/Kyiv',
  'Pacific/Enderbury': 'Pacific/Kanton',
  'Pacific/Ponape': 'Pacific/Pohnpei',
  'Pacific/Truk': 'Pacific/Chuuk',
};

export interface Zone {
  /** The browser's name, such as `Asia/Katmandu`. */
  readonly name: string;
  /** Today's name in words, such as `Asia/Kathmandu` or `America/New York`. */
  readonly text: string;
  /** Difference to UTC now, such as `GMT-5`. */
  readonly offset: string;
}

/** Describe a time zone. */
export function zoneOf(name: string): Zone {
  const format = new Intl.DateTimeFormat(locale(), { timeZone: name, timeZoneName: 'shortOffset' });
  const offset = format.formatToParts().find(({ type }) => type === 'timeZoneName')?.value ?? '';
  return { name, text: (RENAMED[name] ?? name).replaceAll('_', ' '), offset };
}

/** All time zones that the browser knows, by their names in words. */
export function allZones(): Zone[] {
  const names = new Set([...Intl.supportedValuesOf('timeZone'), 'UTC']);
  return [...names].map(zoneOf).sort((one, other) => one.text.localeCompare(other.text));
}
