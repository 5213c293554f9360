import { Component, input } from '@angular/core';

import { Icon } from '../../ui/icon';
import type { IconName } from '../../ui/icons';
import { Page } from '../../ui/page';

/** How a step of joining ended: a symbol, a heading, a text, and the next actions as content. */
@Component({
  selector: 'app-outcome',
  imports: [Icon, Page],
  template: `
    <div class="card">
      <div class="body">
        <span class="symbol" [class.good]="good()"><app-icon [name]="icon()" /></span>
        <app-page [heading]="heading()" [lead]="text()">
          <div class="choices"><ng-content /></div>
        </app-page>
      </div>
    </div>
  `,
  styles: `
    .symbol {
      display: inline-grid;
      place-items: center;
      inline-size: 2.75rem;
      block-size: 2.75rem;
      margin-block-end: 1rem;
      border-radius: 50%;
      background: var(--mat-sys-surface-container-high);
      color: var(--quiet);
    }
    .symbol.good {
      background: var(--good-container);
      color: var(--good);
    }
    .choices {
      display: grid;
      gap: 0.75rem;
    }
  `,
})
export class Outcome {
  readonly icon = input.required<IconName>();
  readonly heading = input.required<string>();
  readonly text = input<string>();
  readonly good = input(false);
}
