import { inject } from '@angular/core';
import { DefaultUrlSerializer, NavigationError, Router, UrlTree } from '@angular/router';

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

/**
 * Recover when a page could not be opened: its script did not arrive, or a new version of the application has replaced
 * it. The browser loads the page anew as soon as the server answers; if that fails too, the error is shown.
 */
export function recover({ error, url }: NavigationError): void {
  const router = inject(Router);
  const session = inject(Session);
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
