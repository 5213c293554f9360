import { HttpContext, HttpContextToken, HttpErrorResponse, HttpInterceptorFn } from '@angular/common/http';
import { computed, inject, Injectable, signal } from '@angular/core';
import { Router } from '@angular/router';
import { catchError, firstValueFrom, from, switchMap, throwError } from 'rxjs';

import type { Credentials, User } from '../api/models';
import { SessionsService, UsersService } from '../api/services';
import { Language, speak } from './language';
import { problemOf } from './problem';

const RENEWED_AT = 'renewed-at'; // in localStorage, for all tabs: a time, no secret
/** Set for requests whose 401 says nothing about the session, such as those that begin and end it. */
const APART = new HttpContextToken(() => false);
const apart = () => new HttpContext().set(APART, true);

type State = 'loading' | 'guest' | 'signed-in' | 'failed';
type News = 'signed-in' | 'signed-out';

/**
 * The person who is signed in, in cookies that scripts cannot read. All tabs of a browser share the session: a
 * BroadcastChannel tells the others when it begins and ends, and a Web Lock lets one of them renew it.
 */
@Injectable({ providedIn: 'root' })
export class Session {
  private readonly users = inject(UsersService);
  private readonly sessions = inject(SessionsService);
  private readonly router = inject(Router);
  private readonly tabs = new BroadcastChannel('session');

  private readonly person = signal<User | null>(null);
  readonly state = signal<State>('loading');
  readonly error = signal<unknown>(null);
  /** The account of the person, or null for a guest. */
  readonly user = this.person.asReadonly();
  readonly isSuperuser = computed(() => this.person()?.is_superuser ?? false);

  private loading: Promise<void> | undefined;
  private renewal: Promise<boolean> | undefined;

  constructor() {
    this.tabs.addEventListener('message', ({ data }: MessageEvent<News>) => {
      if (data === 'signed-out') this.leave(false);
      else void this.load().then(() => this.enter());
    });
    // The browser may show a page again as it was, from before the session ended.
    addEventListener('pagehide', ({ persisted }) => {
      if (persisted) document.documentElement.hidden = true;
    });
    addEventListener('pageshow', ({ persisted }) => {
      if (!persisted) return;
      void this.load().finally(() => {
        if (this.state() !== 'signed-in') this.leave(false);
        document.documentElement.hidden = false;
      });
    });
  }

  /** Resolve when it is known who is signed in. */
  ready(): Promise<void> {
    return this.state() === 'loading' ? this.load() : Promise.resolve();
  }

  /** Ask the server who is signed in. */
  load(): Promise<void> {
    this.loading ??= this.ask().finally(() => (this.loading = undefined));
    return this.loading;
  }

  private async ask(): Promise<void> {
    const since = Date.now();
    try {
      let user = await firstValueFrom(this.users.getCurrentUser());
      // The access cookie is gone after minutes; that of XSRF stays as long as the session can be renewed.
      if (!user && document.cookie.includes('XSRF-TOKEN=') && (await this.renew(since))) {
        user = await firstValueFrom(this.users.getCurrentUser());
      }
      this.person.set(user);
      this.state.set(user ? 'signed-in' : 'guest');
    } catch (error) {
      this.error.set(error);
      this.state.set('failed');
    }
  }

  /** Show a change of the person's account that the application made. */
  update(user: User): void {
    this.person.set(user);
  }

  /** Switch the language of the application, and that of mails to the person. */
  speak(language: Language): void {
    speak(language);
    // The application has switched already, so that a failure takes nothing away.
    if (this.person()) this.users.updateMe({ body: { language } }).subscribe({ error: () => undefined });
  }

  /** Sign in. Raises an HttpErrorResponse. */
  async signIn(body: Credentials): Promise<void> {
    await firstValueFrom(this.sessions.cookieLogin({ body }, apart()));
    await this.load();
    this.tabs.postMessage('signed-in' satisfies News);
    await this.enter();
  }

  /** Sign out, in all tabs. Raises an HttpErrorResponse if the server did not end the session. */
  async signOut(): Promise<void> {
    try {
      await firstValueFrom(this.sessions.cookieLogout(undefined, apart()));
    } catch (error) {
      if (problemOf(error).status !== 401) throw error; // it had ended before
    }
    this.tabs.postMessage('signed-out' satisfies News);
    this.leave(false);
  }

  /** Note that the session has ended, because the server says so or because a change ended it. */
  end(): void {
    if (!this.person()) return;
    this.tabs.postMessage('signed-out' satisfies News);
    this.leave(true);
  }

  /**
   * Renew the access cookie, once for all requests of all tabs. Return whether the session goes on.
   * @param since time (ms) at which the refused request was sent; a renewal after it is not repeated
   */
  renew(since: number): Promise<boolean> {
    const renewed = () => Number(localStorage.getItem(RENEWED_AT)) > since;
    if (renewed()) return Promise.resolve(true);
    this.renewal ??= this.exclusively(async () => {
      if (renewed()) return true;
      try {
        await firstValueFrom(this.sessions.refresh({}, apart()));
      } catch (error) {
        if (problemOf(error).status === 401) return false;
        throw error;
      }
      localStorage.setItem(RENEWED_AT, String(Date.now()));
      return true;
    }).finally(() => (this.renewal = undefined));
    return this.renewal;
  }

  private exclusively(action: () => Promise<boolean>): Promise<boolean> {
    // Web Locks need HTTPS or localhost. Without them each tab renews; the server allows that for some seconds.
    return 'locks' in navigator ? navigator.locks.request('session-renewal', action) : action();
  }

  private async enter(): Promise<void> {
    const next = this.router.parseUrl(this.router.url).queryParamMap.get('next');
    if (this.state() !== 'signed-in' || !this.router.url.startsWith('/sign-in')) return;
    // Only paths of this application: `//host` and `https:` are others.
    await this.router.navigateByUrl(next && /^\/(?![/\\])/.test(next) ? next : '/');
  }

  private leave(ended: boolean): void {
    const was = this.person();
    this.person.set(null);
    this.state.set('guest');
    if (!was) return;
    const queryParams = ended ? { next: this.router.url, ended: true } : {};
    void this.router.navigate(['/sign-in'], { queryParams });
  }
}

/** Renew the session when its access cookie has ended, and send the request again. */
export const renewSession: HttpInterceptorFn = (request, next) => {
  if (request.context.get(APART)) return next(request);
  const session = inject(Session);
  const since = Date.now();
  return next(request).pipe(
    catchError((error: unknown) => {
      if (!(error instanceof HttpErrorResponse) || error.status !== 401) return throwError(() => error);
      if (problemOf(error).code !== 'TOKEN_EXPIRED') {
        session.end();
        return throwError(() => error);
      }
      return from(session.renew(since)).pipe(
        switchMap((renewed) => {
          if (renewed) return next(request);
          session.end();
          return throwError(() => error);
        }),
      );
    }),
  );
};
