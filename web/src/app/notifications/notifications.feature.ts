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
  navigation: [
    {
      path: '/notifications',
      text: texts({ en: 'Notifications', de: 'Benachrichtigungen' }),
      icon: 'notifications',
      section: 'account',
    },
  ],
  bar: () => import('./bell').then((m) => m.Bell),
};
