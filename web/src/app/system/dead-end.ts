import { Component, input } from '@angular/core';

import { Icon } from '../ui/icon';
import type { IconName } from '../ui/icons';
import { Page } from '../ui/page';

/** A page that stands in place of another, with a way on as its content. */
@Component({
  selector: 'app-dead-end',
  imports: [Icon, Page],
  template: `
    <div class="card">
      <span><app-icon [name]="icon()" /></span>
      <app-page [heading]="heading()" [lead]="text()">
        @if (more()) {
          <p class="quiet">{{ more() }}</p>
        }
        <div class="row"><ng-content /></div>
      </app-page>
    </div>
  `,
  styles: `
    .card {
      display: grid;
      justify-items: start;
      gap: 1.25rem;
      max-inline-size: 36rem;
      margin-inline: auto;
      padding: clamp(1.5rem, 5vw, 2.5rem);
    }
    span {
      display: grid;
      place-items: center;
      inline-size: 3rem;
      block-size: 3rem;
      border-radius: 0.75rem;
      background: var(--mat-sys-secondary-container);
      color: var(--mat-sys-on-secondary-container);
    }
    app-icon {
      inline-size: 1.5rem;
      block-size: 1.5rem;
    }
    p {
      margin-block-end: 1.5rem;
      overflow-wrap: anywhere;
    }
  `,
})
export class DeadEnd {
  readonly icon = input.required<IconName>();
  readonly heading = input.required<string>();
  readonly text = input.required<string>();
  readonly more = input<string>();
}
