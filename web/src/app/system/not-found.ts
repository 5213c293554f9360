import { Location } from '@angular/common';
import { Component, computed, inject } from '@angular/core';
import { MatButton } from '@angular/material/button';
import { Router, RouterLink } from '@angular/router';

import { DeadEnd } from './dead-end';
import { t as texts } from './texts';

@Component({
  selector: 'app-not-found',
  imports: [DeadEnd, MatButton, RouterLink],
  template: `
    <app-dead-end icon="search" [heading]="t().heading" [text]="t().text">
      <a mat-flat-button routerLink="/">{{ t().action }}</a>
      @if (within) {
        <button mat-stroked-button type="button" (click)="location.back()">{{ t().back }}</button>
      }
    </app-dead-end>
  `,
})
export class NotFound {
  protected readonly t = computed(() => texts().notFound);
  protected readonly location = inject(Location);
  /** Whether a link of this application led here. */
  protected readonly within = inject(Router).lastSuccessfulNavigation() !== null;
}
