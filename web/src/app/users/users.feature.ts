import type { Route } from '@angular/router';

import { anyone, guest } from '../kernel/guards';
import type { Feature } from '../kernel/feature';
import { mailedLink } from '../kernel/mailed-link';

/** Pages behind links in mails. They run again when another link is opened in the same tab. */
const behindLink = { canActivate: [mailedLink], runGuardsAndResolvers: 'always' } satisfies Partial<Route>;

export const users: Feature = {
  guest: [
    {
      path: 'register',
      canActivate: [guest],
      loadComponent: () => import('./joining/register').then((m) => m.Register),
    },
    {
      path: 'resend-verification',
      canActivate: [anyone],
      data: { purpose: 'resend' },
      loadComponent: () => import('./joining/request-link').then((m) => m.RequestLink),
    },
    {
      path: 'forgot-password',
      canActivate: [anyone],
      data: { purpose: 'forgot' },
      loadComponent: () => import('./joining/request-link').then((m) => m.RequestLink),
    },
    {
      path: 'verify',
      ...behindLink,
      loadComponent: () => import('./joining/verify').then((m) => m.Verify),
    },
    ...(['reset-password', 'accept-invitation', 'confirm-email', 'revert-email'] as const).map((path) => ({
      path,
      ...behindLink,
      data: { purpose: path },
      loadComponent: () => import('./joining/use-link').then((m) => m.UseLink),
    })),
  ],
};
