import { HttpInterceptorFn } from '@angular/common/http';
import { inject } from '@angular/core';
import {
  ActivatedRouteSnapshot,
  CanActivateFn,
  CanMatchFn,
  RedirectCommand,
  Router,
  RouterStateSnapshot,
} from '@angular/router';
import { tap } from 'rxjs';

import { problemOf } from './problem';
import { Session } from './session';

/**
 * Fetch the files of the page that a guard will admit, while the server is asked who is signed in: the first page is
 * shown two round trips earlier. The router asks for the same files afterwards, and reports what is missing.
 */
function fetchAhead({ root }: RouterStateSnapshot, session: Session): void {
  if (session.state() !== 'loading') return;
  for (let route: ActivatedRouteSnapshot | null = root; route; route = route.firstChild)
    void Promise.resolve(route.routeConfig?.loadComponent?.()).catch(() => undefined);
}

/** Admit a person who is signed in; others sign in first, and return to the page. */
export const signedIn: CanActivateFn = async (_route, state) => {
  const session = inject(Session);
  const router = inject(Router);
  if (session.isLikely) fetchAhead(state, session);
  await session.ready();
  if (session.state() !== 'guest') return true; // `failed`: the application shows the error
  return router.createUrlTree(['/sign-in'], { queryParams: state.url === '/' ? {} : { next: state.url } });
};

/** Match a route for a person who is signed in. */
export const isSignedIn: CanMatchFn = async () => {
  const session = inject(Session);
  await session.ready();
  return session.state() !== 'guest';
};

/** Admit a guest; a person who is signed in goes to the start page. */
export const guest: CanActivateFn = async (_route, state) => {
  const session = inject(Session);
  const router = inject(Router);
  if (!session.isLikely) fetchAhead(state, session);
  await session.ready();
  return session.state() === 'signed-in' ? router.createUrlTree(['/']) : true;
};

/** Admit guests and persons who are signed in, when it is known which of them it is. */
export const anyone: CanActivateFn = async (_route, state) => {
  const session = inject(Session);
  fetchAhead(state, session);
  await session.ready();
  return true;
};

/** Admit a superuser; others see why not, at the same address. Use it below `signedIn`. */
export const superuser: CanActivateFn = async () => {
  const session = inject(Session);
  const router = inject(Router);
  await session.ready();
  if (session.isSuperuser() || session.state() !== 'signed-in') return true;
  return new RedirectCommand(router.createUrlTree(['/forbidden']), { skipLocationChange: true });
};

/** Read the account again when a superuser is refused: another administrator may have taken away the right. */
export const noticeLostRights: HttpInterceptorFn = (request, next) => {
  const session = inject(Session);
  return next(request).pipe(
    tap({
      error: (error: unknown) => {
        if (session.isSuperuser() && problemOf(error).code === 'FORBIDDEN') void session.recheck();
      },
    }),
  );
};
