import { Component, computed, input, output } from '@angular/core';
import { MatButton } from '@angular/material/button';

import { problemOf } from '../kernel/problem';
import { Icon } from './icon';
import type { IconName } from './icons';
import { t } from './texts';
import { Trace } from './trace';

const FINAL: readonly number[] = [403, 404, 422]; // no repetition changes these

/** Grey bars in place of content that is being read. */
@Component({
  selector: 'app-skeleton',
  template: `
    <div role="status" class="visually-hidden">{{ t().loading }}</div>
    @for (row of list(); track $index) {
      <div class="bar" aria-hidden="true"></div>
    }
  `,
  styleUrl: './states.scss',
})
export class Skeleton {
  readonly rows = input(4);
  protected readonly list = computed(() => Array.from({ length: this.rows() }));
  protected readonly t = t;
}

/** What stands in place of an empty list; the next action is its content. */
@Component({
  selector: 'app-empty',
  imports: [Icon],
  template: `
    <app-icon [name]="icon()" />
    <h2>{{ heading() }}</h2>
    @if (text()) {
      <p>{{ text() }}</p>
    }
    <ng-content />
  `,
  styleUrl: './states.scss',
})
export class Empty {
  readonly icon = input<IconName>('inbox');
  readonly heading = input.required<string>();
  readonly text = input<string>();
}

/** Why content could not be read, with a way to try again and the trace id on demand. */
@Component({
  selector: 'app-failure',
  imports: [Icon, MatButton, Trace],
  template: `
    <app-icon [name]="problem().status === 403 ? 'block' : 'error'" />
    <h2>{{ heading() }}</h2>
    <p role="alert">{{ detail() }}</p>
    <div class="row">
      @if (!FINAL.includes(problem().status)) {
        <button mat-stroked-button type="button" (click)="retry.emit()">{{ t().retry }}</button>
      }
      <ng-content />
    </div>
    <app-trace [id]="problem().traceId" />
  `,
  styleUrl: './states.scss',
})
export class Failure {
  readonly error = input.required<unknown>();
  readonly retry = output();
  protected readonly t = t;
  protected readonly FINAL = FINAL;
  protected readonly problem = computed(() => problemOf(this.error()));
  // Parameters of the page's address are those of the request.
  protected readonly detail = computed(() => {
    const { detail, errors } = this.problem();
    return errors.map((each) => `${each.pointer.slice(1)}: ${each.detail}`).join(' ') || detail;
  });
  protected readonly heading = computed(() => {
    const { status } = this.problem();
    const { forbidden, missing, unavailable, other } = t().failure;
    if (status === 403) return forbidden;
    if (status === 404) return missing;
    return status === 0 || status === 503 ? unavailable : other;
  });
}
