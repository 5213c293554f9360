import type { Feature } from '../kernel/feature';

export const system: Feature = {
  account: [{ path: 'forbidden', loadComponent: () => import('./forbidden').then((m) => m.Forbidden) }],
};
