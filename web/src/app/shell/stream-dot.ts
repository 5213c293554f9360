import { afterNextRender, Component, computed, DestroyRef, inject, Injector, input } from '@angular/core';

import { Live } from '../kernel/live';
import { Session } from '../kernel/session';
import { t } from './texts';

/** Shows whether pages are updated as things happen, and starts the stream after the first page is shown. */
@Component({
  selector: 'app-stream-dot',
  template: `<span
    role="img"
    [class]="live.state()"
    [attr.aria-label]="text()"
    [attr.title]="text()"
  ></span>`,
  styles: `
    :host {
      display: inline-grid;
      place-items: center;
      inline-size: 1.5rem;
      block-size: 1.5rem;
      flex: none;
    }
    span {
      inline-size: 0.625rem;
      block-size: 0.625rem;
      box-sizing: border-box;
      border: 2px solid var(--quiet);
      border-radius: 50%;
    }
    .connected {
      border-color: var(--good);
      background: var(--good);
    }
    .connecting {
      border-style: dotted;
    }
  `,
})
export class StreamDot {
  readonly userId = input.required<string>();

  protected readonly live = inject(Live);
  protected readonly text = computed(() => t().stream[this.live.state()]);

  constructor() {
    const session = inject(Session);
    // The account may have been changed elsewhere: its name, its rights.
    const forget = this.live.listen((happening) => {
      if (happening?.own && happening.type.startsWith('users.')) void session.recheck();
    });
    const injector = inject(Injector);
    let stop: (() => void) | undefined;
    let isGone = false;
    inject(DestroyRef).onDestroy(() => {
      isGone = true;
      forget();
      stop?.();
    });
    const start = async () => {
      const { Stream } = await import('../kernel/stream');
      if (!isGone) stop = injector.get(Stream).start(this.userId());
    };
    afterNextRender(() => {
      start().catch(() => undefined); // without a connection; pages can be used, and the dot shows it
    });
  }
}
