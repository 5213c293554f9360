import type { Feature } from '../kernel/feature';
import { texts } from '../kernel/language';

export const system: Feature = {
  account: [{ path: 'forbidden', loadComponent: () => import('./forbidden').then((m) => m.Forbidden) }],
  administration: [
    { path: 'operations/health', loadComponent: () => import('./health').then((m) => m.Health) },
  ],
  navigation: [
    {
      path: '/operations/health',
      text: texts({ en: 'Health', de: 'Zustand' }),
      icon: 'monitor_heart',
      section: 'operations',
    },
  ],
};
