import { HttpInterceptorFn, HttpResponse } from '@angular/common/http';
import { Signal, signal } from '@angular/core';
import { tap } from 'rxjs';

import { locale } from './language';
import './storage';

const KEY = 'time-zone';

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false; // unknown to this browser, for example after an update of its data
  }
}

/** IANA name of the system's time zone. */
export const systemTimeZone = Intl.DateTimeFormat().resolvedOptions().timeZone;
const stored = localStorage.getItem(KEY);

/** IANA name of the time zone in which times are shown. It is kept in this browser. */
export const timeZone = signal(stored && isTimeZone(stored) ? stored : systemTimeZone);

/** Show times in a zone; that of the system is followed when it changes. */
export function setTimeZone(zone: string): void {
  if (zone === systemTimeZone) localStorage.removeItem(KEY);
  else localStorage.setItem(KEY, zone);
  timeZone.set(zone);
}

const TOLERANCE = 30_000; // ms; the server's header has whole seconds, and a response takes its time
let ahead = 0; // ms by which the server's clock is ahead of that of the device
const clock = signal(Date.now());
const tick = () => clock.set(Date.now() + ahead);
setInterval(tick, 30_000);
/** The server's time (ms), for texts that depend on it; it advances every 30 s. */
export const now: Signal<number> = clock.asReadonly();

/** The server's time (ms) at this moment, for texts that follow it by the second. */
export const serverTime = (): number => Date.now() + ahead;

/** Follow the clock of the server: that of the device may be wrong. */
export const followServerTime: HttpInterceptorFn = (request, next) =>
  next(request).pipe(
    tap((event) => {
      if (!(event instanceof HttpResponse)) return;
      const difference = Date.parse(event.headers.get('Date') ?? '') - Date.now();
      if (Number.isNaN(difference) || Math.abs(difference - ahead) < TOLERANCE) return;
      ahead = Math.abs(difference) < TOLERANCE ? 0 : difference;
      tick();
    }),
  );

/** A point in time with its zone, such as `3 May 2026, 14:05:09 CEST`. */
export function exactTime(iso: string): string {
  const format = new Intl.DateTimeFormat(locale(), {
    day: 'numeric',
    month: 'short',
    year: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    timeZoneName: 'short',
    timeZone: timeZone(),
  });
  return format.format(new Date(iso));
}

/** The day of a point in time, such as `3 May 2026`. */
export function exactDay(iso: string): string {
  const format = new Intl.DateTimeFormat(locale(), { dateStyle: 'long', timeZone: timeZone() });
  return format.format(new Date(iso));
}

const UNITS: readonly (readonly [Intl.RelativeTimeFormatUnit, number])[] = [
  ['year', 31_557_600],
  ['month', 2_629_800],
  ['week', 604_800],
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
];

/** A point in time from now, such as `3 minutes ago`. */
export function relativeTime(iso: string): string {
  const seconds = (new Date(iso).getTime() - now()) / 1000;
  const [unit, length] = UNITS.find(([, each]) => Math.abs(seconds) >= each) ?? ['second', 60];
  const amount = unit === 'second' ? 0 : Math.round(seconds / length);
  return new Intl.RelativeTimeFormat(locale(), { numeric: 'auto' }).format(amount, unit);
}

/** A number as the language writes it. */
export function formatNumber(value: number): string {
  return new Intl.NumberFormat(locale()).format(value);
}
