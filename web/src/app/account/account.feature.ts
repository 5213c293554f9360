import type { Feature } from '../kernel/feature';
import { guest } from '../kernel/guards';
import { texts } from '../kernel/language';

export const account: Feature = {
  guest: [
    {
      path: 'goodbye',
      canActivate: [guest],
      loadComponent: () => import('./goodbye').then((m) => m.Goodbye),
    },
  ],
  account: [
    { path: '', pathMatch: 'full', loadComponent: () => import('./home').then((m) => m.Home) },
    { path: 'account/profile', loadComponent: () => import('./profile').then((m) => m.Profile) },
    { path: 'account/email', loadComponent: () => import('./email').then((m) => m.Email) },
    { path: 'account/password', loadComponent: () => import('./password').then((m) => m.Password) },
    {
      path: 'account/preferences',
      loadComponent: () => import('./preferences').then((m) => m.PreferencesPage),
    },
    { path: 'account/activity', loadComponent: () => import('./activity').then((m) => m.ActivityList) },
    { path: 'account/leave', loadComponent: () => import('./leave').then((m) => m.Leave) },
  ],
  navigation: [
    { path: '/', text: texts({ en: 'Home', de: 'Start' }), icon: 'home', section: 'account' },
    {
      path: '/account/profile',
      text: texts({ en: 'Profile', de: 'Profil' }),
      icon: 'person',
      section: 'account',
    },
    {
      path: '/account/email',
      text: texts({ en: 'E-mail address', de: 'E-Mail-Adresse' }),
      icon: 'mail',
      section: 'account',
    },
    {
      path: '/account/password',
      text: texts({ en: 'Password', de: 'Passwort' }),
      icon: 'key',
      section: 'account',
    },
    {
      path: '/account/preferences',
      text: texts({ en: 'Language and time zone', de: 'Sprache und Zeitzone' }),
      icon: 'translate',
      section: 'account',
    },
    {
      path: '/account/activity',
      text: texts({ en: 'Security activity', de: 'Sicherheitsverlauf' }),
      icon: 'history',
      section: 'account',
    },
  ],
};
