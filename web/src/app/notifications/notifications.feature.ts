import type { Feature } from '../kernel/feature';
import { texts } from '../kernel/language';
import { mailedLink } from '../kernel/mailed-link';

export const notifications: Feature = {
  guest: [
    {
      path: 'unsubscribe',
      canActivate: [mailedLink],
      runGuardsAndResolvers: 'always',
      loadComponent: () => import('./unsubscribe').then((m) => m.Unsubscribe),
    },
  ],
  account: [
    { path: 'notifications', loadComponent: () => import('./notice-list').then((m) => m.NoticeList) },
    {
      path: 'account/notifications',
      loadComponent: () => import('./preferences').then((m) => m.NotificationPreferences),
    },
  ],
  administration: [
    { path: 'sends', loadComponent: () => import('./send-list').then((m) => m.SendList) },
    { path: 'sends/new', loadComponent: () => import('./new-send').then((m) => m.NewSend) },
  ],
  navigation: [
    {
      path: '/notifications',
      text: texts({ en: 'Notifications', de: 'Benachrichtigungen' }),
      icon: 'notifications',
      section: 'account',
    },
    {
      path: '/sends',
      text: texts({ en: 'Send notifications', de: 'Benachrichtigen' }),
      icon: 'send',
      section: 'administration',
    },
  ],
  bar: () => import('./bell').then((m) => m.Bell),
};
