import { Location } from '@angular/common';
import { inject, Injectable, linkedSignal, signal, WritableSignal } from '@angular/core';
import { CanActivateFn, RedirectCommand, Router } from '@angular/router';

import { Session } from './session';

/**
 * The token of the mailed link that was opened. It is in memory only, so that neither the address bar, the history nor
 * a storage of the browser contains it: after a reload the link has to be opened again.
 */
@Injectable({ providedIn: 'root' })
export class MailedLink {
  private readonly opened = signal<{ path: string; token: string } | null>(null);

  keep(path: string, token: string): void {
    this.opened.set({ path, token });
  }

  /** The token for the page at `path`, as a signal's value: it changes when another link is opened in the same tab. */
  tokenFor(path: string): string | null {
    const opened = this.opened();
    return opened?.path === path ? opened.token : null;
  }

  /** A state of the page at `path` that begins again when another link is opened in the same tab. */
  state<T>(path: () => string, start: T): WritableSignal<T> {
    return linkedSignal({ source: () => this.tokenFor(path()), computation: () => start });
  }

  forget(path: string): void {
    if (this.opened()?.path === path) this.opened.set(null);
  }
}

/** Take the token out of the address of a mailed link (`/verify#token=…`) before its page opens. */
export const mailedLink: CanActivateFn = async (route, { url }) => {
  const session = inject(Session);
  const token = new URLSearchParams(route.fragment ?? '').get('token');
  if (!token) {
    await session.ready();
    return true;
  }
  const router = inject(Router);
  const clean = router.parseUrl(url);
  clean.fragment = null;
  inject(MailedLink).keep(clean.toString(), token);
  inject(Location).replaceState(clean.toString()); // at once: the page itself is still to be loaded
  return new RedirectCommand(clean, { replaceUrl: true, onSameUrlNavigation: 'reload' });
};
