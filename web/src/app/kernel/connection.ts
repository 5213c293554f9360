import {
  HttpClient,
  HttpContext,
  HttpContextToken,
  HttpErrorResponse,
  HttpInterceptorFn,
} from '@angular/common/http';
import { inject, Injectable, signal } from '@angular/core';
import { catchError, defer, firstValueFrom, from, switchMap, throwError } from 'rxjs';

const LONGEST = 30; // seconds between two attempts
const PROBE = new HttpContextToken(() => false);

/**
 * Whether the server can be reached. A read that gets no answer waits and is sent again; a write fails at once with
 * `status` 0, since the server may have applied it, and its form keeps what was typed.
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
        await firstValueFrom(this.http.get('/api/health/live', { context }));
        this.offline.set(false);
        return;
      } catch (error) {
        if (error instanceof HttpErrorResponse && error.status !== 0 && error.status < 500) {
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

/** Send a read again when the server can be reached again. */
export const waitForConnection: HttpInterceptorFn = (request, next) => {
  if (request.context.get(PROBE)) return next(request);
  const connection = inject(Connection);
  const send: () => ReturnType<typeof next> = () =>
    next(request).pipe(
      catchError((error: unknown) => {
        if (!(error instanceof HttpErrorResponse) || error.status !== 0) return throwError(() => error);
        const restored = connection.lost();
        return request.method === 'GET' ? from(restored).pipe(switchMap(send)) : throwError(() => error);
      }),
    );
  return defer(send);
};
