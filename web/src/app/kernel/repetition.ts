import { HttpEventType, HttpInterceptorFn } from '@angular/common/http';
import { tap } from 'rxjs';

import { problemOf } from './problem';

/** Statuses of refusals before the server looks the key up: an earlier request with it may have been done. */
const UNDECIDED = [401, 403, 408, 429];

/** The last POST that may have been done without an answer. */
let open: { readonly post: string; readonly key: string } | undefined;

/**
 * Send each POST with an Idempotency-Key, so that a change whose answer was lost is made once although it is sent
 * again: by the person, or after the session was renewed.
 */
export const nameChanges: HttpInterceptorFn = (request, next) => {
  if (request.method !== 'POST') return next(request);
  const post = request.urlWithParams + JSON.stringify(request.body);
  const key = open?.post === post ? open.key : crypto.getRandomValues(new Uint32Array(4)).join('-');
  open = { post, key };
  const end = () => {
    if (open?.key === key) open = undefined;
  };
  return next(request.clone({ setHeaders: { 'Idempotency-Key': key } })).pipe(
    tap({
      // `firstValueFrom` leaves with the answer, before it completes.
      next: ({ type }) => {
        if (type === HttpEventType.Response) end();
      },
      error: (error: unknown) => {
        const { code, status } = problemOf(error);
        const decided = status > 0 && status < 500 && !UNDECIDED.includes(status);
        if (decided && code !== 'IDEMPOTENCY_IN_PROGRESS') end();
        else open = { post, key };
      },
    }),
  );
};
