import { Location } from '@angular/common';
import { inject } from '@angular/core';

/**
 * The e-mail address that the previous page handed over: `<a routerLink="/sign-in" [state]="{ email }">`. It is in the
 * entry of the history, not in the address of the page.
 */
export function handedEmail(): string {
  const state = inject(Location).getState();
  if (typeof state !== 'object' || state === null || !('email' in state)) return '';
  return typeof state.email === 'string' ? state.email : '';
}
