import { Router, UrlTree } from '@angular/router';

import type { Notice } from '../api/models';

/** The page to which a notification leads. Only paths of the application are followed. */
export function targetOf(router: Router, { link }: Notice): UrlTree | null {
  return link && /^\/(?![/\\])/.test(link) ? router.parseUrl(link) : null;
}
