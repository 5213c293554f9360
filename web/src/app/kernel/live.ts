import { DOCUMENT } from '@angular/common';
import { DestroyRef, inject, Injectable, signal } from '@angular/core';

/** Something that happened, as the stream of the server sends it. */
export interface Happening {
  /** Such as `sessions.ended`. */
  readonly type: string;
  /** Whether it only says that something has changed that is no event, such as `outbox.tasks`. It has no other fields. */
  readonly isHint: boolean;
  /** Id of the subject, such as the session. */
  readonly id: string;
  /** The account that it is about. */
  readonly userId: string | null;
  /** Whether it is about the person who is signed in. */
  readonly own: boolean;
  /** Its fields, if it is about the person who is signed in. */
  readonly data: Readonly<Record<string, unknown>>;
}

type Listener = (happening: Happening | null) => void;

/** What happens on the server while the application is open. `stream.ts` keeps the connection. */
@Injectable({ providedIn: 'root' })
export class Live {
  readonly state = signal<'off' | 'connecting' | 'connected'>('connecting');
  private readonly listeners = new Set<Listener>();

  /** Call `listener` with each happening, and with null when some may have been missed. Returns how to stop. */
  listen(listener: Listener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  announce(happening: Happening | null): void {
    for (const listener of this.listeners) listener(happening);
  }
}

const SOON = 100; // ms; what happens together is read once
const PAUSE = 1000; // ms between two reads
const BURST = 20; // reads, after which they are EACH apart: an account has some 1,000 requests an hour
const EACH = 10_000; // ms

export interface Refreshable {
  /** Read again, without a sign of it on the page. False if that is not possible now. */
  refresh?(): boolean;
  reload(): unknown;
}

/**
 * Read again when something of these types has happened, such as `users.*` or `*`, at most once a second and while the
 * page is in sight. `concerns` may leave out some of it. Hints are given by their whole name. `kept` is how many
 * milliseconds the server keeps its answer: after them it is read once more.
 */
export function refreshOn(
  types: readonly string[],
  target: Refreshable,
  concerns: (happening: Happening) => boolean = () => true,
  kept = 0,
): void {
  const document = inject(DOCUMENT);
  let timer: ReturnType<typeof setTimeout> | undefined;
  let again: ReturnType<typeof setTimeout> | undefined;
  let isDue = false;
  let last = 0;
  let spent = 0; // the time at which no read is spent any more
  const read = () => {
    timer = undefined;
    if (document.visibilityState !== 'visible') return;
    last = Date.now();
    spent = Math.max(spent, last) + EACH;
    isDue = (target.refresh?.() ?? target.reload()) === false; // it is being read already, perhaps from before
    if (isDue) plan();
  };
  const plan = () => {
    isDue = true;
    timer ??= setTimeout(read, Math.max(SOON, Math.max(last + PAUSE, spent - BURST * EACH) - Date.now()));
  };
  const stop = inject(Live).listen((happening) => {
    const isMeant =
      !happening ||
      (happening.isHint
        ? types.includes(happening.type)
        : types.some((type) => matches(type, happening.type)) && concerns(happening));
    if (!isMeant) return;
    plan();
    clearTimeout(again);
    if (kept) again = setTimeout(plan, kept);
  });
  const appear = () => {
    if (isDue && document.visibilityState === 'visible') plan();
  };
  document.addEventListener('visibilitychange', appear);
  inject(DestroyRef).onDestroy(() => {
    stop();
    clearTimeout(timer);
    clearTimeout(again);
    document.removeEventListener('visibilitychange', appear);
  });
}

function matches(pattern: string, type: string): boolean {
  return pattern.endsWith('*') ? type.startsWith(pattern.slice(0, -1)) : type === pattern;
}
