import { Component, computed, contentChild, effect, input } from '@angular/core';
import { FormField } from '@angular/forms/signals';

let count = 0;

/**
 * A checkbox with its label, hint and error:
 *
 *     <app-check label="Superuser"><input type="checkbox" [formField]="form.is_superuser" /></app-check>
 */
@Component({
  selector: 'app-check',
  template: `
    <ng-content />
    <div>
      <label [attr.for]="id">{{ label() }}</label>
      @if (error(); as text) {
        <p class="error" [id]="id + '-note'">{{ text }}</p>
      } @else if (hint()) {
        <p class="hint" [id]="id + '-note'">{{ hint() }}</p>
      }
    </div>
  `,
  styleUrl: './field.scss',
  styles: `
    :host {
      display: flex;
      align-items: flex-start;
    }
    label {
      margin: 0;
    }
    .hint,
    .error {
      margin-block-start: 0.125rem;
    }
  `,
})
export class Check {
  readonly label = input.required<string>();
  readonly hint = input<string>();

  protected readonly id = `check-${String(++count)}`;
  private readonly bound = contentChild.required(FormField);
  protected readonly error = computed(() => {
    const state = this.bound().state();
    return state.touched() ? state.errors()[0]?.message : undefined;
  });

  constructor() {
    effect(() => {
      const { element } = this.bound();
      element.id = this.id;
      const noted = this.error() !== undefined || !!this.hint();
      if (noted) element.setAttribute('aria-describedby', `${this.id}-note`);
      else element.removeAttribute('aria-describedby');
      element.setAttribute('aria-invalid', String(this.error() !== undefined));
    });
  }
}
