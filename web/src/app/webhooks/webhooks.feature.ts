import type { Feature } from '../kernel/feature';
import { texts } from '../kernel/language';

export const webhooks: Feature = {
  account: [
    { path: 'webhooks', loadComponent: () => import('./endpoint-list').then((m) => m.EndpointList) },
    { path: 'webhooks/new', loadComponent: () => import('./new-endpoint').then((m) => m.NewEndpointPage) },
    { path: 'webhooks/events', loadComponent: () => import('./catalog').then((m) => m.Catalog) },
    { path: 'webhooks/:id', loadComponent: () => import('./endpoint').then((m) => m.EndpointPage) },
    {
      path: 'webhooks/:id/deliveries/:delivery',
      loadComponent: () => import('./delivery').then((m) => m.DeliveryPage),
    },
  ],
  navigation: [
    {
      path: '/webhooks',
      text: texts({ en: 'Webhooks', de: 'Webhooks' }),
      icon: 'webhook',
      section: 'account',
    },
  ],
};
