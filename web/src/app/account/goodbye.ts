import { Component, computed, input } from '@angular/core';
import { MatButton } from '@angular/material/button';
import { RouterLink } from '@angular/router';

import { exactDay } from '../kernel/time';
import { Page } from '../ui/page';
import { t as texts } from './texts';

/** What a person sees who has asked for the deletion of the account: how long it can be kept, and how. */
@Component({
  selector: 'app-goodbye',
  imports: [MatButton, Page, RouterLink],
  template: `
    <div class="card">
      <app-page class="body" [heading]="t().heading">
        <p>{{ day() ? t().until(day()) : t().later }}</p>
        <p class="quiet">{{ t().mailed }}</p>
        <a mat-flat-button routerLink="/sign-in">{{ t().action }}</a>
      </app-page>
    </div>
  `,
  styles: `
    .body {
      display: block;
    }
    p {
      margin-block-end: 1rem;
    }
  `,
})
export class Goodbye {
  /** ISO 8601: when the data is deleted. */
  readonly until = input<string>();
  protected readonly t = computed(() => texts().goodbye);
  protected readonly day = computed(() => {
    const until = this.until();
    return until && !Number.isNaN(Date.parse(until)) ? exactDay(until) : '';
  });
}
