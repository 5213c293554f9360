import { HttpContext, HttpContextToken, HttpEventType, HttpInterceptorFn } from '@angular/common/http';
import { tap } from 'rxjs';

import { problemOf } from './problem';

/** Statuses of refusals before the server looks the key up: an earlier request with it may have been done. */
const UNDECIDED = [401, 403, 408, 429];

const OWN_KEY = new HttpContextToken<string | null>(() => null);

/** The context of a request with this Idempotency-Key, which a form keeps until it knows that the change was made. */
export const withKey = (key: string): HttpContext => new HttpContext().set(OWN_KEY, key);

export const newKey = (): string => crypto.getRandomValues(new Uint32Array(4)).join('-');

/** Whether the server has refused a POST for good, so that it was not done; otherwise it may have been done. */
export function isRefused(error: unknown): boolean {
  const { code, status } = problemOf(error);
  const decided = status > 0 && status < 500 && !UNDECIDED.includes(status);
  return decided && code !== 'IDEMPOTENCY_IN_PROGRESS';
}

/** The last POST that may have been done without an answer. */
let open: { readonly post: string; readonly key: string } | undefined;

/**
 * Send each POST with an Idempotency-Key, so that a change whose answer was lost is made once although it is sent
 * again: by the person, or after the session was renewed.
 */
export const nameChanges: HttpInterceptorFn = (request, next) => {
  if (request.method !== 'POST') return next(request);
  const own = request.context.get(OWN_KEY);
  if (own !== null) return next(request.clone({ setHeaders: { 'Idempotency-Key': own } }));
  const post = request.urlWithParams + JSON.stringify(request.body);
  const key = open?.post === post ? open.key : newKey();
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
        if (isRefused(error)) end();
        else open = { post, key };
      },
    }),
  );
};
