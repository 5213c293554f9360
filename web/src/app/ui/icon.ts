import { Component, computed, input } from '@angular/core';

import { IconName, ICONS } from './icons';

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
  protected readonly path = computed(() => ICONS[this.name()]);
}
