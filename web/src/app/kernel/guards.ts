import { inject } from '@angular/core';
import { CanActivateFn, CanMatchFn, RedirectCommand, Router } from '@angular/router';

import { Session } from './session';

/** Admit a person who is signed in; others sign in first, and return to the page. */
export const signedIn: CanActivateFn = async (_route, { url }) => {
  const session = inject(Session);
  const router = inject(Router);
  await session.ready();
  if (session.state() !== 'guest') return true; // `failed`: the application shows the error
  return router.createUrlTree(['/sign-in'], { queryParams: url === '/' ? {} : { next: url } });
};

/** Match a route for a person who is signed in. */
export const isSignedIn: CanMatchFn = async () => {
  const session = inject(Session);
  await session.ready();
  return session.state() !== 'guest';
};

/** Admit a guest; a person who is signed in goes to the start page. */
export const guest: CanActivateFn = async () => {
  const session = inject(Session);
  const router = inject(Router);
  await session.ready();
  return session.state() === 'signed-in' ? router.createUrlTree(['/']) : true;
};

/** Admit guests and persons who are signed in, when it is known which of them it is. */
export const anyone: CanActivateFn = async () => {
  await inject(Session).ready();
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
