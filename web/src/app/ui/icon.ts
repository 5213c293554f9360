import { Component, computed, effect, input, signal } from '@angular/core';

import { FIRST, type IconName } from './icons';

type Paths = Readonly<Partial<Record<IconName, string>>>;
const more = signal<Paths>({});
let loading: Promise<void> | undefined;

/** Load the icons that a first visit does not need, once. */
function loadMore(): void {
  loading ??= import('./more-icons').then(
    ({ MORE }) => more.set(MORE),
    () => (loading = undefined), // they are decorative; the next one tries again
  );
}

/** A decorative symbol. The control that it stands in carries the name. */
@Component({
  selector: 'app-icon',
  template:
    '<svg viewBox="0 -960 960 960" aria-hidden="true" focusable="false"><path [attr.d]="path()" /></svg>',
  styles: `
    :host {
      display: inline-flex;
      inline-size: 1.25rem;
      block-size: 1.25rem;
      flex: none;
    }
    svg {
      inline-size: 100%;
      block-size: 100%;
      fill: currentColor;
    }
  `,
})
export class Icon {
  readonly name = input.required<IconName>();
  protected readonly path = computed(() => (FIRST as Paths)[this.name()] ?? more()[this.name()] ?? '');

  constructor() {
    effect(() => {
      if (!this.path()) loadMore();
    });
  }
}
