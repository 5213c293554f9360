import { guest } from '../kernel/guards';
import type { Feature } from '../kernel/feature';
import { texts } from '../kernel/language';

export const sessions: Feature = {
  guest: [
    { path: 'sign-in', canActivate: [guest], loadComponent: () => import('./sign-in').then((m) => m.SignIn) },
  ],
  account: [
    { path: 'account/sessions', loadComponent: () => import('./session-list').then((m) => m.SessionList) },
  ],
  navigation: [
    {
      path: '/account/sessions',
      text: texts({ en: 'Sessions and devices', de: 'Sitzungen und Geräte' }),
      icon: 'devices',
      section: 'account',
    },
  ],
};
