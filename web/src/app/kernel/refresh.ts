import { DOCUMENT } from '@angular/common';
import { DestroyRef, inject } from '@angular/core';

import { type Happening, type Refreshable, refreshOn } from './live';

const HINTED_SECONDS = 60;

/** Call `read` every `seconds` while the page is in sight, and at once when it comes into sight again. */
export function refreshEvery(seconds: number, read: () => void): void {
  const document = inject(DOCUMENT);
  let timer: ReturnType<typeof setInterval> | undefined;
  const stop = () => clearInterval(timer);
  const start = () => {
    stop();
    if (document.visibilityState === 'visible') timer = setInterval(read, seconds * 1000);
  };
  const change = () => {
    if (document.visibilityState === 'visible') read();
    start();
  };
  document.addEventListener('visibilitychange', change);
  inject(DestroyRef).onDestroy(() => {
    stop();
    document.removeEventListener('visibilitychange', change);
  });
  start();
}

/** The same as `refreshOn`, with hints among the types: each minute also without one, since a hint may be lost. */
export function refreshHinted(
  types: readonly string[],
  target: Refreshable,
  concerns?: (happening: Happening) => boolean,
  kept?: number,
): void {
  refreshOn(types, target, concerns, kept);
  refreshEvery(HINTED_SECONDS, () => target.refresh?.() ?? target.reload());
}
