import { DestroyRef, inject, Injectable } from '@angular/core';

import { Session } from './session';

@Injectable({ providedIn: 'root' })
class Typed {
  readonly kept = new Map<string, { readonly person: string; readonly value: unknown }>();
}

/**
 * Return what a person had typed into a form when the session ended, once, after the same person has signed in again;
 * otherwise null. It is in memory only.
 * @param form name of the form
 * @param typed called when the page closes; null if there is nothing to keep. It must contain no password.
 */
export function keepTyped<T>(form: string, typed: () => T | null): T | null {
  const { kept } = inject(Typed);
  const session = inject(Session);
  const person = session.user()?.id;
  inject(DestroyRef).onDestroy(() => {
    const value = typed();
    if (person && !session.user() && value !== null) kept.set(form, { person, value });
  });
  const found = kept.get(form);
  kept.delete(form);
  return found && found.person === person ? (found.value as T) : null; // set by the same form
}
