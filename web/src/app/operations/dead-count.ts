import { Component, computed, input } from '@angular/core';
import { RouterLink } from '@angular/router';

import { formatCount } from './amounts';
import { t as texts } from './texts';

/** A number of dead letters, which leads to their list unless it is zero. */
@Component({
  selector: 'app-dead-count',
  imports: [RouterLink],
  template: `
    @if (count(); as count) {
      <a
        routerLink="/operations/dead-letters"
        [queryParams]="filter()"
        [attr.aria-label]="t().deadOf(formatCount(count), of())"
        >{{ formatCount(count) }}</a
      >
    } @else {
      0
    }
  `,
})
export class DeadCount {
  readonly count = input.required<number>();
  /** What they are of: a topic or a task. */
  readonly of = input.required<string>();
  /** Parameters of the list's address. */
  readonly filter = input.required<Readonly<Record<string, string>>>();
  protected readonly t = computed(() => texts().outbox);
  protected readonly formatCount = formatCount;
}
