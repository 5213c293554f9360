import { HttpClient, HttpContext, HttpContextToken, HttpInterceptorFn } from '@angular/common/http';
import { inject, Injectable, signal } from '@angular/core';
import { catchError, firstValueFrom, from, switchMap, throwError, timer } from 'rxjs';

import { problemOf } from './problem';

const LONGEST = 30; // seconds between two attempts
const PROBE_MS = 10_000;
const REPEATS = 4;
const PROBE = new HttpContextToken(() => false);

/**
 * Whether the server can be reached. A read that gets no answer, or that of a proxy without a server, waits and is sent
 * again; a write fails at once, since the server may have applied it, and its form keeps what was typed.
 */
@Injectable({ providedIn: 'root' })
export class Connection {
  private readonly http = inject(HttpClient);
  private restored: Promise<void> | undefined;
  private again: () => void = () => undefined;

  readonly offline = signal(false);
  /** Seconds until the next attempt. */
  readonly next = signal(0);

  constructor() {
    addEventListener('online', () => this.tryNow());
  }

  /** Note that a request got no answer. The promise ends when the server answers again. */
  lost(): Promise<void> {
    this.restored ??= this.probe().finally(() => (this.restored = undefined));
    return this.restored;
  }

  tryNow(): void {
    this.again();
  }

  private async probe(): Promise<void> {
    const context = new HttpContext().set(PROBE, true);
    for (let pause = 1; ; pause = Math.min(pause * 2, LONGEST)) {
      try {
        await firstValueFrom(this.http.get('/api/health/live', { context, timeout: PROBE_MS }));
        this.offline.set(false);
        return;
      } catch (error) {
        if (problemOf(error).code !== 'OFFLINE') {
          this.offline.set(false);
          return;
        }
        this.offline.set(true);
      }
      await this.countDown(pause);
    }
  }

  private countDown(seconds: number): Promise<void> {
    return new Promise((resolve) => {
      this.next.set(seconds);
      const timer = setInterval(() => {
        this.next.update((left) => left - 1);
        if (this.next() <= 0) this.again();
      }, 1000);
      this.again = () => {
        clearInterval(timer);
        resolve();
      };
    });
  }
}

/**
 * Send a read again when the server can be reached again. If the read alone gets no answer, it fails after some repeats
 * that are seconds apart.
 */
export const waitForConnection: HttpInterceptorFn = (request, next) => {
  if (request.context.get(PROBE)) return next(request);
  const connection = inject(Connection);
  const send = (repeats: number): ReturnType<typeof next> =>
    next(request).pipe(
      catchError((error: unknown) => {
        const { code, status } = problemOf(error);
        if (code !== 'OFFLINE' || status === 504) return throwError(() => error); // 504: the server is too slow
        const restored = connection.lost();
        if (request.method !== 'GET' || repeats === REPEATS) return throwError(() => error);
        return from(restored).pipe(
          switchMap(() => timer(repeats * 1000)),
          switchMap(() => send(repeats + 1)),
        );
      }),
    );
  return send(0);
};
