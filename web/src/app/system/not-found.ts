import { Component, computed } from '@angular/core';
import { MatButton } from '@angular/material/button';
import { RouterLink } from '@angular/router';

import { Page } from '../ui/page';
import { Empty } from '../ui/states';
import { t as texts } from './texts';

@Component({
  selector: 'app-not-found',
  imports: [Empty, MatButton, Page, RouterLink],
  template: `
    <app-page [heading]="t().heading">
      <div class="card">
        <app-empty icon="search" [heading]="t().heading" [text]="t().text">
          <a mat-flat-button routerLink="/">{{ t().action }}</a>
        </app-empty>
      </div>
    </app-page>
  `,
})
export class NotFound {
  protected readonly t = computed(() => texts().notFound);
}
