import { Component, input } from '@angular/core';
import { RouterLink } from '@angular/router';

import { Icon } from '../ui/icon';
import type { IconName } from '../ui/icons';
import { t } from '../ui/texts';

/** A part of the account in a few words, which links to its page. */
@Component({
  selector: 'app-summary-card',
  imports: [Icon, RouterLink],
  template: `
    <a class="card" [routerLink]="link()">
      <span class="head">
        <app-icon [name]="icon()" />
        <h2>{{ heading() }}</h2>
        <app-icon class="arrow" name="chevron_right" />
      </span>
      @if (failed()) {
        <span class="quiet">{{ t().failure.other }}</span>
      } @else if (loading()) {
        <span class="bar"
          ><span class="visually-hidden">{{ t().loading }}</span></span
        >
      } @else {
        <ng-content />
      }
    </a>
  `,
  styles: `
    a {
      display: grid;
      grid-template-rows: auto 1fr;
      gap: 0.75rem;
      block-size: 100%;
      padding: 1.125rem 1.25rem;
      color: inherit;
      text-decoration: none;
    }
    a:hover {
      border-color: var(--mat-sys-outline);
    }
    .head {
      display: flex;
      align-items: center;
      gap: 0.5rem;
      color: var(--quiet);
    }
    h2 {
      flex: 1;
      font-size: 0.875rem;
      font-weight: 500;
    }
    .bar {
      block-size: 1.5rem;
      inline-size: 60%;
      border-radius: 0.375rem;
      background: var(--mat-sys-surface-container-high);
    }
  `,
})
export class SummaryCard {
  readonly icon = input.required<IconName>();
  readonly heading = input.required<string>();
  readonly link = input.required<string>();
  readonly loading = input(false);
  readonly failed = input(false);
  protected readonly t = t;
}
