import { inject } from '@angular/core';
import { DefaultUrlSerializer, Router, UrlTree } from '@angular/router';

import { Connection } from './connection';
import { Session } from './session';

/** Reads addresses. One that is malformed, such as `/%`, is that of no page. */
export class Addresses extends DefaultUrlSerializer {
  override parse(url: string): UrlTree {
    try {
      return super.parse(url);
    } catch {
      return super.parse(`/${encodeURIComponent(url)}`);
    }
  }
}

const noted = new Set<unknown>();

/** Whether `recover` takes care of an error. */
export function isRecovered(error: unknown): boolean {
  return noted.has(error);
}

/**
 * Recover when a page could not be opened: its script did not arrive, or a new version of the application has replaced
 * it. The browser loads the page anew as soon as the server answers; if that fails too, the error is shown.
 */
export function recover({ error, url }: { error: unknown; url: string }): void {
  const router = inject(Router);
  const session = inject(Session);
  noted.add(error);
  const last = router.lastSuccessfulNavigation();
  if (!last) {
    session.fail(error);
    return;
  }
  void inject(Connection)
    .lost()
    .then(() => {
      if (router.lastSuccessfulNavigation() === last) location.assign(url);
    });
}
