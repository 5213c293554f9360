import { DOCUMENT } from '@angular/common';
import { DestroyRef, inject, Injectable, signal } from '@angular/core';

/** Something that happened, as the stream of the server sends it. */
export interface Happening {
  /** Such as `sessions.ended`. */
  readonly type: string;
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

interface Refreshable {
  /** Read again, without a sign of it on the page. False if that is not possible now. */
  refresh?(): boolean;
  reload(): unknown;
}

/**
 * Read again when something of these types has happened, such as `users.*` or `*`, at most once a second and while the
 * page is in sight. `concerns` may leave out some of it.
 */
export function refreshOn(
  types: readonly string[],
  target: Refreshable,
  concerns: (happening: Happening) => boolean = () => true,
): void {
  const document = inject(DOCUMENT);
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isDue = false;
  let last = 0;
  const read = () => {
    timer = undefined;
    if (document.visibilityState !== 'visible') return;
    last = Date.now();
    isDue = (target.refresh?.() ?? target.reload()) === false; // it is being read already, perhaps from before
    if (isDue) plan();
  };
  const plan = () => {
    isDue = true;
    timer ??= setTimeout(read, Math.max(SOON, last + PAUSE - Date.now()));
  };
  const stop = inject(Live).listen((happening) => {
    if (!happening || (types.some((type) => matches(type, happening.type)) && concerns(happening))) plan();
  });
  const appear = () => {
    if (isDue && document.visibilityState === 'visible') plan();
  };
  document.addEventListener('visibilitychange', appear);
  inject(DestroyRef).onDestroy(() => {
    stop();
    clearTimeout(timer);
    document.removeEventListener('visibilitychange', appear);
  });
}

function matches(pattern: string, type: string): boolean {
  return pattern.endsWith('*') ? type.startsWith(pattern.slice(0, -1)) : type === pattern;
}
