/** The pages that pages.spec.ts looks at. Each route of the application belongs here. */
export interface Visit {
  /** Name of its screenshots. */
  readonly name: string;
  /** `{id}` is the id of the person who is signed in; subjects.ts makes the others, such as a `{webhook}` of the person. */
  readonly path: string;
  readonly as: 'guest' | 'person' | 'superuser';
}

export const ROUTES: readonly Visit[] = [
  { name: 'sign-in', path: '/sign-in', as: 'guest' },
  { name: 'session-ended', path: '/sign-in?ended=true', as: 'guest' },
  { name: 'register', path: '/register', as: 'guest' },
  { name: 'forgot-password', path: '/forgot-password', as: 'guest' },
  { name: 'resend-verification', path: '/resend-verification', as: 'guest' },
  { name: 'link-missing', path: '/verify', as: 'guest' },
  { name: 'reset-password', path: '/reset-password#token=any', as: 'guest' },
  { name: 'accept-invitation', path: '/accept-invitation#token=any', as: 'guest' },
  { name: 'confirm-email', path: '/confirm-email#token=any', as: 'person' },
  { name: 'revert-email', path: '/revert-email#token=any', as: 'guest' },
  { name: 'goodbye', path: '/goodbye?until=2026-12-14T12:00:00Z', as: 'guest' },
  { name: 'home', path: '/', as: 'person' },
  { name: 'home-superuser', path: '/', as: 'superuser' },
  { name: 'profile', path: '/account/profile', as: 'person' },
  { name: 'email', path: '/account/email', as: 'person' },
  { name: 'password', path: '/account/password', as: 'person' },
  { name: 'preferences', path: '/account/preferences', as: 'person' },
  { name: 'activity', path: '/account/activity', as: 'person' },
  { name: 'leave', path: '/account/leave', as: 'person' },
  { name: 'data', path: '/account/data', as: 'person' },
  { name: 'sessions', path: '/account/sessions', as: 'person' },
  { name: 'webhooks', path: '/webhooks', as: 'person' },
  { name: 'webhook-new', path: '/webhooks/new', as: 'superuser' },
  { name: 'webhook-events', path: '/webhooks/events', as: 'person' },
  { name: 'webhook', path: '/webhooks/{webhook}', as: 'person' },
  { name: 'webhook-delivery', path: '/webhooks/{webhook}/deliveries/{delivery}', as: 'person' },
  { name: 'plan', path: '/account/plan', as: 'person' },
  { name: 'plans', path: '/plans', as: 'superuser' },
  { name: 'plans-effective', path: '/plans/effective?kind=U&of={id}&path=users_me', as: 'superuser' },
  { name: 'tier', path: '/plans/{tier}', as: 'superuser' },
  { name: 'people', path: '/people', as: 'superuser' },
  { name: 'people-none', path: '/people?q=no-such-person&active=false', as: 'superuser' },
  { name: 'invite', path: '/people/invite', as: 'superuser' },
  { name: 'person', path: '/people/{id}', as: 'superuser' },
  { name: 'audit', path: '/audit', as: 'superuser' },
  {
    name: 'audit-person',
    path: '/audit?person={id}&type=users.promoted&from=2026-01-31T12:00:00Z',
    as: 'superuser',
  },
  { name: 'not-found', path: '/no/such/page', as: 'person' },
  { name: 'not-found-guest', path: '/no/such/page', as: 'guest' },
  { name: 'dead-letters', path: '/operations/dead-letters', as: 'superuser' },
  { name: 'dead-letters-filtered', path: '/operations/dead-letters?kind=task&type=none', as: 'superuser' },
  { name: 'outbox', path: '/operations/outbox', as: 'superuser' },
  { name: 'mails', path: '/operations/mails', as: 'superuser' },
  { name: 'tasks', path: '/operations/tasks?state=retrying', as: 'superuser' },
  { name: 'schedules', path: '/operations/schedules', as: 'superuser' },
  { name: 'log-level', path: '/operations/log-level', as: 'superuser' },
  { name: 'health', path: '/operations/health', as: 'superuser' },
  { name: 'forbidden', path: '/forbidden', as: 'person' },
];
