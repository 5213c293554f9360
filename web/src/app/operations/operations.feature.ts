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
    { path: 'operations/mails', loadComponent: () => import('./mail-list').then((m) => m.MailList) },
    { path: 'operations/mails/:id', loadComponent: () => import('./mail').then((m) => m.MailPage) },
    { path: 'operations/tasks', loadComponent: () => import('./task-list').then((m) => m.TaskList) },
    {
      path: 'operations/schedules',
      loadComponent: () => import('./schedules').then((m) => m.SchedulesPage),
    },
    {
      path: 'operations/log-level',
      loadComponent: () => import('./log-level').then((m) => m.LogLevelPage),
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
    {
      path: '/operations/mails',
      text: texts({ en: 'Mail sent', de: 'Gesendete E-Mails' }),
      icon: 'mail',
      section: 'operations',
    },
    {
      path: '/operations/tasks',
      text: texts({ en: 'Tasks', de: 'Aufgaben' }),
      icon: 'stacks',
      section: 'operations',
    },
    {
      path: '/operations/schedules',
      text: texts({ en: 'Schedules and sweeps', de: 'Zeitpläne und Aufräumen' }),
      icon: 'schedule',
      section: 'operations',
    },
    {
      path: '/operations/log-level',
      text: texts({ en: 'Log level', de: 'Log-Level' }),
      icon: 'settings',
      section: 'operations',
    },
  ],
};
