import type { Feature } from '../kernel/feature';
import { texts } from '../kernel/language';

export const people: Feature = {
  administration: [
    { path: 'people', loadComponent: () => import('./people-list').then((m) => m.PeopleList) },
    { path: 'people/invite', loadComponent: () => import('./invite').then((m) => m.Invite) },
    { path: 'people/:id', loadComponent: () => import('./person').then((m) => m.Person) },
  ],
  navigation: [
    {
      path: '/people',
      text: texts({ en: 'People', de: 'Personen' }),
      icon: 'group',
      section: 'administration',
    },
  ],
};
