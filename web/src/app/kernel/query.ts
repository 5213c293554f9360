import { DestroyRef, inject } from '@angular/core';
import { Router, UrlTree } from '@angular/router';

/** Parameters of an address; null removes one. */
export type QueryChange = Readonly<Record<string, string | null>>;

/** The text of a parameter, or the first where an address repeats it: `input(undefined, { transform: firstText })`. */
export function firstText(value: string | readonly string[] | undefined): string | undefined {
  return typeof value === 'object' ? value[0] : value;
}

/**
 * Return a function that changes the parameters in the page's address. It does nothing when the person has left the page
 * or is leaving it, for example when a search ends late.
 */
export function queryChanger(): (change: QueryChange, replaceUrl?: boolean) => void {
  const router = inject(Router);
  let left = false;
  inject(DestroyRef).onDestroy(() => (left = true));
  const pathOf = (tree: UrlTree) => router.serializeUrl(tree).split(/[?#]/)[0];
  return (queryParams, replaceUrl = false) => {
    const navigation = router.currentNavigation();
    const leaves = navigation && pathOf(navigation.extractedUrl) !== pathOf(router.parseUrl(router.url));
    if (left || leaves) return;
    void router.navigate([], { queryParams, queryParamsHandling: 'merge', replaceUrl });
  };
}
