import { Component, computed, input } from '@angular/core';

import { exactTime, relativeTime } from '../kernel/time';

/** A point in time: relative, with the exact time on hover and for screen readers. */
@Component({
  selector: 'app-time',
  template: `<time [attr.datetime]="at()" [attr.title]="exact()" [class.relative]="!exactly()">{{
    exactly() ? exact() : relative()
  }}</time>`,
  styles: `
    .relative {
      white-space: nowrap;
    }
  `,
})
export class Time {
  readonly at = input.required<string>();
  /** Show the exact time. */
  readonly exactly = input(false);
  protected readonly exact = computed(() => exactTime(this.at()));
  protected readonly relative = computed(() => relativeTime(this.at()));
}
