import type { Feature } from '../kernel/feature';
import { texts } from '../kernel/language';

export const operations: Feature = {
  administration: [
    {
      path: 'operations/dead-letters',
      loadComponent: () => import('./dead-letter-list').then((m) => m.DeadLetterList),
    },
    {
      path: 'operations/dead-letters/:id',
      loadComponent: () => import('./dead-letter').then((m) => m.DeadLetterPage),
    },
    { path: 'operations/outbox', loadComponent: () => import('./outbox').then((m) => m.OutboxPage) },
  ],
  navigation: [
    {
      path: '/operations/dead-letters',
      text: texts({ en: 'Dead letters', de: 'Gescheiterte Aufträge' }),
      icon: 'inbox',
      section: 'operations',
    },
    {
      path: '/operations/outbox',
      text: texts({ en: 'Outbox and consumers', de: 'Ausgang und Empfänger' }),
      icon: 'outbox',
      section: 'operations',
    },
  ],
};
