const STOPS = 'button:not(:disabled), a[href], input:not(:disabled), select:not(:disabled)';

/**
 * Keep a place for the keyboard when the element with the focus is removed, such as the button of a row that was
 * deleted: the next row, or else the one before, or else `fallback`. A button that is disabled while its request is
 * sent loses the focus too, and gets it back. Returns a function that ends this.
 */
export function keepFocus(within: HTMLElement, fallback: HTMLElement): () => void {
  let last: HTMLElement | null = null;
  const note = ({ target }: FocusEvent) => (last = target as HTMLElement);
  const observer = new MutationObserver((changes) => {
    if (!last || document.activeElement !== document.body) return;
    if (last.isConnected) {
      if (changes.some(({ type, target }) => type === 'attributes' && target === last)) last.focus();
      return;
    }
    const change = changes.find(({ removedNodes }) => [...removedNodes].some((node) => node.contains(last)));
    if (!change) return;
    last = null;
    const near = [siblingOf(change, 'nextSibling'), siblingOf(change, 'previousSibling')];
    const stop = near.map((each) => each?.querySelector<HTMLElement>(STOPS)).find(Boolean) ?? fallback;
    stop.focus({ preventScroll: stop === fallback });
  });
  within.addEventListener('focusin', note);
  observer.observe(within, { childList: true, subtree: true, attributeFilter: ['disabled'] });
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
