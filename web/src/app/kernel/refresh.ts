import { DOCUMENT } from '@angular/common';
import { DestroyRef, inject } from '@angular/core';

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
