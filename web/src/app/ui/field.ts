import { Component, computed, contentChild, effect, input, signal } from '@angular/core';
import { FormField, ValidationError } from '@angular/forms/signals';

import { firstError } from '../kernel/submit';
import { Icon } from './icon';
import { t } from './texts';

let count = 0;

function explain(error: ValidationError): string {
  if (error.message) return error.message;
  if (error.kind === 'required') return t().required;
  return error.kind === 'email' ? t().email : t().invalid;
}

/**
 * A control with its label, hint and error:
 *
 *     <app-field label="E-mail"><input app-email [formField]="form.email" /></app-field>
 *
 * A password gets a button that shows it.
 */
@Component({
  selector: 'app-field',
  imports: [Icon],
  template: `
    <label [attr.for]="id"
      >{{ label() }}
      @if (optional()) {
        <span class="optional">({{ t().optional }})</span>
      }
    </label>
    <div class="control" [class.revealing]="secret()">
      <ng-content />
      @if (secret()) {
        <button
          type="button"
          class="icon-button"
          [attr.aria-label]="shown() ? t().hide : t().show"
          [attr.aria-pressed]="shown()"
          (click)="shown.set(!shown())"
        >
          <app-icon [name]="shown() ? 'visibility_off' : 'visibility'" />
        </button>
      }
    </div>
    @if (error(); as text) {
      <p class="error" [id]="id + '-note'">{{ text }}</p>
    } @else if (hint()) {
      <p class="hint" [id]="id + '-note'">{{ hint() }}</p>
    }
  `,
  styleUrl: './field.scss',
})
export class AppField {
  readonly label = input.required<string>();
  readonly hint = input<string>();
  readonly optional = input(false);

  protected readonly t = t;
  protected readonly id = `field-${String(++count)}`;
  private readonly bound = contentChild.required(FormField);
  private readonly element = computed(() => this.bound().element as HTMLInputElement);
  protected readonly shown = signal(false);
  protected readonly secret = signal(false);
  protected readonly error = computed(() => {
    const state = this.bound().state();
    const first = firstError(state.errors());
    return state.touched() && first ? explain(first) : null;
  });

  constructor() {
    effect(() => {
      const element = this.element();
      element.id = this.id;
      if (element.type === 'password') this.secret.set(true);
    });
    effect(() => {
      if (this.secret()) this.element().type = this.shown() ? 'text' : 'password';
    });
    effect(() => {
      this.element().readOnly = this.bound().state().submitting(); // the answer would replace what is typed meanwhile
    });
    effect(() => {
      const element = this.element();
      element.setAttribute('aria-invalid', String(this.error() !== null));
      if (this.error() !== null || this.hint()) element.setAttribute('aria-describedby', `${this.id}-note`);
      else element.removeAttribute('aria-describedby');
    });
  }
}
