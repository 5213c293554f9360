import {
  HttpContext,
  HttpContextToken,
  HttpErrorResponse,
  HttpInterceptorFn,
  HttpRequest,
  HttpXsrfTokenExtractor,
} from '@angular/common/http';
import { computed, inject, Injectable, signal } from '@angular/core';
import { Router, UrlTree } from '@angular/router';
import { catchError, firstValueFrom, from, switchMap, throwError } from 'rxjs';

import type { Credentials, User } from '../api/models';
import { SessionsService, UsersService } from '../api/services';
import { adopt, Language, speak } from './language';
import { problemOf } from './problem';

// A count for all tabs, since clocks may be set back. It is a cookie because a tab that gets the Web Lock sees the cookies
// of the last one at once; what that one wrote to localStorage may come later.
const RENEWALS = 'renewals';
const XSRF_HEADER = 'X-XSRF-TOKEN';
/** Set for requests whose 401 says nothing about the session, such as those that begin and end it. */
const APART = new HttpContextToken(() => false);
const apart = () => new HttpContext().set(APART, true);

type State = 'loading' | 'guest' | 'signed-in' | 'failed';
type News = 'signed-in' | 'signed-out' | 'ended';

/**
 * The person who is signed in, in cookies that scripts cannot read. All tabs of a browser share the session: a
 * BroadcastChannel tells the others when it begins and ends, and a Web Lock lets one of them renew it.
 */
@Injectable({ providedIn: 'root' })
export class Session {
  private readonly users = inject(UsersService);
  private readonly sessions = inject(SessionsService);
  private readonly router = inject(Router);
  private readonly tabs: EventTarget & Pick<BroadcastChannel, 'postMessage'> =
    'BroadcastChannel' in window ? new BroadcastChannel('session') : new MessageChannel().port1;

  private readonly person = signal<User | null>(null);
  readonly state = signal<State>('loading');
  readonly error = signal<unknown>(null);
  /** The account of the person, or null for a guest. */
  readonly user = this.person.asReadonly();
  readonly isSuperuser = computed(() => this.person()?.is_superuser ?? false);

  private asking: Promise<User | null> | undefined;
  private renewal: Promise<boolean> | undefined;
  private decide: () => void = () => undefined;
  private readonly decided = new Promise<void>((resolve) => (this.decide = resolve));

  constructor() {
    this.tabs.addEventListener('message', (event) => {
      const { data } = event as MessageEvent<News>;
      if (data === 'signed-in') void this.recheck(true);
      else void this.leave(data === 'ended');
    });
    // The browser may show a page again as it was, from before the session ended. styles.scss hides it until then.
    addEventListener('pagehide', ({ persisted }) => {
      if (persisted) document.documentElement.dataset['unchecked'] = '';
    });
    addEventListener('pageshow', ({ persisted }) => {
      if (persisted) void this.recheck(true).then(() => delete document.documentElement.dataset['unchecked']);
    });
  }

  /** Whether the session may go on: the cookie of XSRF stays as long as the session can be renewed. */
  get isLikely(): boolean {
    return document.cookie.includes('XSRF-TOKEN=');
  }

  /** Resolve when it is known who is signed in. While that fails, the application shows why, with a way to retry. */
  ready(): Promise<void> {
    if (this.state() === 'loading') void this.load();
    return this.decided;
  }

  /** Ask the server who is signed in. While it cannot be known, an error is in place of all pages. */
  private async load(): Promise<void> {
    try {
      this.admit(await this.ask());
    } catch (error) {
      this.fail(error);
    }
  }

  /**
   * Ask the server again who is signed in, since the session may have ended or the account may have changed, and note
   * the answer. Nothing of a person whose session has ended stays on a page; pages that show nothing of the person stay.
   * If the server cannot be asked now, the page stays too.
   * @param isOther whether the page may be that of another person: an error is then shown in place of it
   */
  async recheck(isOther = this.state() === 'failed'): Promise<void> {
    const before = this.person();
    let user: User | null;
    try {
      user = await this.ask();
    } catch (error) {
      if (isOther) this.fail(error);
      return;
    }
    if (this.person()?.id !== before?.id) return; // the person has signed in or out in the meantime
    if (before && !user) {
      this.tabs.postMessage('ended' satisfies News);
      return this.leave(true);
    }
    this.admit(user);
    if (!before || before.id === user?.id) return this.enter();
    if (!this.isPersonal()) return;
    document.documentElement.dataset['unchecked'] = '';
    location.reload();
    await new Promise(() => undefined); // the page ends here
  }

  private admit(user: User | null): void {
    const isNew = user?.id !== this.person()?.id;
    this.person.set(user);
    this.state.set(user ? 'signed-in' : 'guest');
    this.decide();
    const chosen = user && isNew && adopt(user.language);
    if (chosen) this.speak(chosen);
  }

  private ask(): Promise<User | null> {
    this.asking ??= this.find().finally(() => (this.asking = undefined));
    return this.asking;
  }

  private async find(): Promise<User | null> {
    const seen = renewals();
    const user = await firstValueFrom(this.users.getCurrentUser());
    if (user || !this.isLikely || !(await this.renew(seen))) return user; // the access cookie is gone after minutes
    return firstValueFrom(this.users.getCurrentUser());
  }

  /** Show an error in place of all pages. */
  fail(error: unknown): void {
    this.error.set(error);
    this.state.set('failed');
  }

  /** Show a change of the person's account that the application made. */
  update(user: User): void {
    this.person.set(user);
  }

  /** Switch the language of the application, and that of mails to the person. */
  speak(language: Language): void {
    speak(language);
    // The application has switched already, so that a failure takes nothing away.
    if (!this.person()) return;
    this.users.updateMe({ body: { language } }).subscribe({
      next: (user) => {
        this.update(user);
        adopt(user.language);
      },
      error: () => undefined,
    });
  }

  /** Sign in. Raises an HttpErrorResponse. */
  async signIn(body: Credentials): Promise<void> {
    await firstValueFrom(this.sessions.cookieLogin({ body }, apart()));
    await this.asking?.catch(() => undefined); // it may have been asked before
    await this.load();
    if (this.state() === 'guest') throw new Error('The browser keeps no cookies of this site.');
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
    await this.leave(false);
  }

  /** Note that the session has ended, because the server says so. */
  end(): void {
    if (!this.person()) return;
    this.tabs.postMessage('ended' satisfies News);
    void this.leave(true);
  }

  /** Note that a change which the person made has ended all sessions, and go on with a page for guests. */
  async close(next: UrlTree): Promise<void> {
    this.tabs.postMessage('signed-out' satisfies News);
    this.person.set(null);
    this.state.set('guest');
    await this.router.navigateByUrl(next);
  }

  /**
   * Renew the access cookie, once for all requests of all tabs. Return whether the session goes on.
   * @param seen the count of renewals when the refused request was sent; a renewal after it is not repeated
   */
  renew(seen: number): Promise<boolean> {
    const renewed = () => renewals() !== seen;
    if (renewed()) return Promise.resolve(true);
    this.renewal ??= this.exclusively(async () => {
      if (renewed()) return true;
      try {
        await firstValueFrom(this.sessions.refresh({}, apart()));
      } catch (error) {
        // 403: the XSRF token is of another session. Only signing in again helps.
        if ([401, 403].includes(problemOf(error).status)) return false;
        throw error;
      }
      document.cookie = `${RENEWALS}=${String(renewals() + 1)}; path=/; samesite=strict`;
      return true;
    }).finally(() => (this.renewal = undefined));
    return this.renewal;
  }

  /** Return whether the person is still signed in after a refusal: a change of password replaces the session. */
  async goesOn(): Promise<boolean> {
    const user = await firstValueFrom(this.users.getCurrentUser());
    return user !== null && user.id === this.person()?.id;
  }

  private exclusively(action: () => Promise<boolean>): Promise<boolean> {
    // Web Locks need HTTPS or localhost. Without them each tab renews; the server allows that for some seconds.
    return 'locks' in navigator ? navigator.locks.request('session-renewal', action) : action();
  }

  private async enter(): Promise<void> {
    const next = this.router.parseUrl(this.router.url).queryParamMap.get('next');
    if (this.state() !== 'signed-in' || !this.router.url.startsWith('/sign-in')) return;
    // Only other paths of this application: `//host` and `https:` are not.
    await this.router.navigateByUrl(next && /^\/(?![/\\]|sign-in)/.test(next) ? next : '/');
  }

  private async leave(ended: boolean): Promise<void> {
    const was = this.person();
    this.person.set(null);
    this.state.set('guest');
    if (was && this.isPersonal()) await this.askToSignIn(ended);
  }

  /** Whether the page, or the one that is being opened, shows something of the person. Others keep what is typed. */
  private isPersonal(): boolean {
    if (this.router.currentNavigation()) return true;
    return this.router.routerState.snapshot.root.firstChild?.data['personal'] === true;
  }

  private async askToSignIn(ended: boolean): Promise<void> {
    const queryParams = ended ? { next: this.router.url, ended: true } : {};
    await this.router.navigate(['/sign-in'], { queryParams });
  }
}

const renewals = () => Number(/(?:^|; )renewals=(\d+)/.exec(document.cookie)?.[1] ?? 0);
const isRefusal = (error: unknown): error is HttpErrorResponse =>
  error instanceof HttpErrorResponse && error.status === 401;

/** Renew the session when its access cookie has ended, and send the request again, once. */
export const renewSession: HttpInterceptorFn = (request, next) => {
  if (request.context.get(APART)) return next(request);
  const session = inject(Session);
  const tokens = inject(HttpXsrfTokenExtractor);
  const seen = renewals();
  const end = (error: unknown) => {
    if (isRefusal(error)) session.end();
    return throwError(() => error);
  };
  return next(request).pipe(
    catchError((error: unknown) => {
      if (!isRefusal(error)) return throwError(() => error);
      const isExpired = problemOf(error).code === 'TOKEN_EXPIRED';
      return from(isExpired ? session.renew(seen) : session.goesOn()).pipe(
        switchMap((goesOn) =>
          goesOn ? next(signed(request, tokens.getToken())).pipe(catchError(end)) : end(error),
        ),
      );
    }),
  );
};

// Angular has added the header before, from the cookie of a session that may have been replaced.
function signed(request: HttpRequest<unknown>, token: string | null): HttpRequest<unknown> {
  if (!request.headers.has(XSRF_HEADER) || token === null) return request;
  return request.clone({ setHeaders: { [XSRF_HEADER]: token } });
}
