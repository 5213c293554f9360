import type { Feature } from '../kernel/feature';
import { texts } from '../kernel/language';

export const audit: Feature = {
  administration: [{ path: 'audit', loadComponent: () => import('./audit-list').then((m) => m.AuditList) }],
  navigation: [
    {
      path: '/audit',
      text: texts({ en: 'Audit log', de: 'Protokoll' }),
      icon: 'fact_check',
      section: 'administration',
    },
  ],
};
