import type { Feature } from '../kernel/feature';
import { texts } from '../kernel/language';

export const plans: Feature = {
  account: [{ path: 'account/plan', loadComponent: () => import('./my-plan').then((m) => m.MyPlan) }],
  administration: [
    { path: 'plans', loadComponent: () => import('./tier-list').then((m) => m.TierList) },
    { path: 'plans/effective', loadComponent: () => import('./effective').then((m) => m.EffectivePage) },
    { path: 'plans/:id', loadComponent: () => import('./tier').then((m) => m.TierPage) },
  ],
  navigation: [
    {
      path: '/account/plan',
      text: texts({ en: 'My plan', de: 'Mein Tarif' }),
      icon: 'schedule',
      section: 'account',
    },
    { path: '/plans', text: texts({ en: 'Plans', de: 'Tarife' }), icon: 'stacks', section: 'administration' },
  ],
};
