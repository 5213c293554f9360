import { inject } from '@angular/core';
import { NavigationStart, Router, Scroll } from '@angular/router';

const BY_PERSON = ['wheel', 'touchmove', 'pointerdown', 'keydown'];

/**
 * Scroll a page that back or forward opens to where it was, as soon as it is high enough. Angular scrolls once, when
 * the page has no content yet. It stops when the person scrolls.
 */
export function restoreScrolling(): void {
  let end = () => undefined as unknown;
  inject(Router).events.subscribe((event) => {
    if (event instanceof NavigationStart) end();
    if (!(event instanceof Scroll) || !event.position) return;
    end();
    const [x, y] = event.position;
    const done = new AbortController();
    const { signal } = done;
    const growth = new ResizeObserver(() => {
      scrollTo(x, y);
      if (Math.abs(scrollY - y) < 1) done.abort();
    });
    end = () => done.abort();
    signal.addEventListener('abort', () => growth.disconnect());
    for (const type of BY_PERSON) addEventListener(type, end, { signal, passive: true });
    growth.observe(document.body);
  });
}
