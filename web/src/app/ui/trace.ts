import { Component, input, signal } from '@angular/core';

import { Copyable } from './copyable';
import { t } from './texts';

/** The trace id of a failure, shown on demand, for a report to the operators. */
@Component({
  selector: 'app-trace',
  imports: [Copyable],
  template: `
    @if (id(); as id) {
      @if (shown()) {
        <app-copyable [text]="id" />
      } @else {
        <button type="button" class="link" (click)="shown.set(true)">{{ t().trace }}</button>
      }
    }
  `,
})
export class Trace {
  readonly id = input.required<string | null>();
  protected readonly shown = signal(false);
  protected readonly t = t;
}
