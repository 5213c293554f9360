/** The pages that pages.spec.ts looks at. Each route of the application belongs here. */
export interface Visit {
  /** Name of its screenshots. */
  readonly name: string;
  readonly path: string;
  readonly as: 'guest' | 'person' | 'superuser';
}

export const ROUTES: readonly Visit[] = [
  { name: 'sign-in', path: '/sign-in', as: 'guest' },
  { name: 'session-ended', path: '/sign-in?ended=true', as: 'guest' },
  { name: 'sessions', path: '/account/sessions', as: 'person' },
  { name: 'not-found', path: '/no/such/page', as: 'person' },
  { name: 'forbidden', path: '/forbidden', as: 'person' },
];
