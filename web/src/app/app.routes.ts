import type { Route, Routes } from '@angular/router';

import { FEATURES } from './app.features';
import { isSignedIn, signedIn, superuser } from './kernel/guards';

const pages = (kind: 'guest' | 'account' | 'administration'): Route[] =>
  FEATURES.flatMap((each) => each[kind] ?? []);

const notFound = () => import('./system/not-found').then((m) => m.NotFound);

export const routes: Routes = [
  {
    path: '',
    canMatch: [(_route, segments) => segments.length > 0], // `/` is a page of the other frame
    loadComponent: () => import('./shell/plain').then((m) => m.Plain),
    children: pages('guest'),
  },
  {
    path: '',
    canActivate: [signedIn],
    data: { personal: true },
    loadComponent: () => import('./shell/shell').then((m) => m.Shell),
    children: [
      ...pages('account'),
      { path: '', canActivate: [superuser], children: pages('administration') },
      { path: '**', canMatch: [isSignedIn], loadComponent: notFound },
    ],
  },
  // An unknown address of a guest: to sign in would not help.
  {
    path: '**',
    loadComponent: () => import('./shell/plain').then((m) => m.Plain),
    children: [{ path: '**', loadComponent: notFound }],
  },
];
