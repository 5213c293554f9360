/** A point in time as `<input type="datetime-local">` has it, in an IANA time zone; empty for what is no time. */
export function wallTime(iso: string, timeZone: string): string {
  const time = new Date(iso);
  return Number.isNaN(time.getTime()) ? '' : wall(time, timeZone);
}

/** The point in time of such a text. Where the clock is set back, the text is that of two points in time: one of them. */
export function fromWallTime(text: string, timeZone: string): string | null {
  const guess = Date.parse(`${text}Z`);
  if (Number.isNaN(guess)) return null;
  const offset = (at: number) => Date.parse(`${wall(new Date(at), timeZone)}Z`) - at;
  return new Date(guess - offset(guess - offset(guess))).toISOString();
}

function wall(time: Date, timeZone: string): string {
  const format = new Intl.DateTimeFormat('en-u-ca-iso8601', {
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
    timeZone,
  });
  const parts = Object.fromEntries(format.formatToParts(time).map(({ type, value }) => [type, value]));
  const { year = '', month = '', day = '', hour = '', minute = '' } = parts;
  return `${year.padStart(4, '0')}-${month}-${day}T${hour}:${minute}`;
}
