import { Component, computed, effect, ElementRef, inject, input } from '@angular/core';
import type { FieldTree } from '@angular/forms/signals';

import { isOfServer } from '../kernel/submit';
import { Icon } from './icon';
import { Trace } from './trace';

/** What the server said of a whole form. It gets the focus when it appears. */
@Component({
  selector: 'app-form-error',
  imports: [Icon, Trace],
  template: `
    @if (error(); as error) {
      <div class="banner danger" role="alert" tabindex="-1">
        <app-icon name="error" />
        <div>
          <p>{{ error.message }}</p>
          <app-trace [id]="error.problem.traceId" />
        </div>
      </div>
    }
  `,
})
export class FormError {
  readonly form = input.required<FieldTree<unknown>>();
  protected readonly error = computed(() => {
    return this.form()()
      .errors()
      .filter(isOfServer)
      .find((each) => each.isCurrent());
  });

  constructor() {
    const host = inject<ElementRef<HTMLElement>>(ElementRef).nativeElement;
    effect(() => {
      if (this.error()) setTimeout(() => host.querySelector<HTMLElement>('[role=alert]')?.focus());
    });
  }
}
