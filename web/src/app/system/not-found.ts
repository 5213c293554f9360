import { Component, computed } from '@angular/core';
import { MatButton } from '@angular/material/button';
import { RouterLink } from '@angular/router';

import { DeadEnd } from './dead-end';
import { t as texts } from './texts';

@Component({
  selector: 'app-not-found',
  imports: [DeadEnd, MatButton, RouterLink],
  template: `
    <app-dead-end icon="search" [heading]="t().heading" [text]="t().text">
      <a mat-flat-button routerLink="/">{{ t().action }}</a>
    </app-dead-end>
  `,
})
export class NotFound {
  protected readonly t = computed(() => texts().notFound);
}
