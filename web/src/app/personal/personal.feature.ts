import type { Feature } from '../kernel/feature';
import { texts } from '../kernel/language';

export const personal: Feature = {
  account: [{ path: 'account/data', loadComponent: () => import('./exports').then((m) => m.Exports) }],
  navigation: [
    {
      path: '/account/data',
      text: texts({ en: 'Your data', de: 'Ihre Daten' }),
      icon: 'download',
      section: 'account',
    },
  ],
};
