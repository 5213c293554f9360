const STOPS = 'button:not(:disabled), a[href], input:not(:disabled), select:not(:disabled)';

/**
 * Keep a place for the keyboard when the element with the focus is removed, such as the button of a row that was
 * deleted: the next row, or else the one before, or else `fallback`. Returns a function that ends this.
 */
export function keepFocus(within: HTMLElement, fallback: HTMLElement): () => void {
  let last: Element | null = null;
  const note = ({ target }: FocusEvent) => (last = target as Element);
  const observer = new MutationObserver((changes) => {
    if (!last || last.isConnected || document.activeElement !== document.body) return;
    const change = changes.find(({ removedNodes }) => [...removedNodes].some((node) => node.contains(last)));
    if (!change) return;
    last = null;
    const near = [siblingOf(change, 'nextSibling'), siblingOf(change, 'previousSibling')];
    const stop = near.map((each) => each?.querySelector<HTMLElement>(STOPS)).find(Boolean) ?? fallback;
    stop.focus({ preventScroll: stop === fallback });
  });
  within.addEventListener('focusin', note);
  observer.observe(within, { childList: true, subtree: true });
  return () => {
    within.removeEventListener('focusin', note);
    observer.disconnect();
  };
}

// Angular puts comments between elements.
function siblingOf(change: MutationRecord, side: 'nextSibling' | 'previousSibling'): Element | null {
  let node = change[side];
  while (node && !(node instanceof Element)) node = node[side];
  return node;
}
