import type { Route, Routes } from '@angular/router';

import { FEATURES } from './app.features';
import { signedIn, superuser } from './kernel/guards';

const pages = (kind: 'guest' | 'account' | 'administration'): Route[] =>
  FEATURES.flatMap((each) => each[kind] ?? []);

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
    loadComponent: () => import('./shell/shell').then((m) => m.Shell),
    children: [
      { path: '', pathMatch: 'full', redirectTo: 'account/sessions' },
      ...pages('account'),
      { path: '', canActivate: [superuser], children: pages('administration') },
      { path: '**', loadComponent: () => import('./system/not-found').then((m) => m.NotFound) },
    ],
  },
];
