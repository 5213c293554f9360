import { Component, computed, ElementRef, input, model, output, signal, viewChild } from '@angular/core';
import { type FormValueControl, transformedValue, type ValidationError } from '@angular/forms/signals';

import { Icon } from '../ui/icon';
import { t as texts } from './form-texts';

const ROLE = /^[a-z][a-z0-9_-]{0,31}$/;
const MOST = 20;

/** The roles of an account, each with a button that takes it away, and a field that adds one. */
@Component({
  selector: 'app-roles-field',
  imports: [Icon],
  template: `
    <label for="new-role"
      >{{ t().label }} <span class="optional">({{ t().optional }})</span></label
    >
    <div class="box" [class.invalid]="error()">
      @for (role of value(); track role) {
        <span class="badge">
          {{ role }}
          <button type="button" [attr.aria-label]="t().remove(role)" (click)="remove(role)">
            <app-icon name="close" />
          </button>
        </span>
      }
      <input
        #field
        id="new-role"
        type="text"
        autocomplete="off"
        autocapitalize="off"
        spellcheck="false"
        maxlength="32"
        [placeholder]="value().length ? '' : t().placeholder"
        [attr.aria-invalid]="error() !== null"
        aria-describedby="new-role-note"
        (keydown)="press($event)"
        (blur)="leave()"
      />
    </div>
    <p id="new-role-note" [class]="error() ? 'error' : 'hint'">{{ error() ?? t().hint }}</p>
    <span class="visually-hidden" aria-live="polite">{{ said() }}</span>
  `,
  styleUrl: '../ui/field.scss',
  styles: `
    .box {
      display: flex;
      flex-wrap: wrap;
      align-items: center;
      gap: 0.375rem;
      min-block-size: 2.5rem;
      padding: 0.25rem 0.5rem;
      border: 1px solid var(--mat-sys-outline);
      border-radius: 0.5rem;
      background: var(--raised);
    }
    .box:focus-within {
      outline: 2px solid var(--mat-sys-primary);
      outline-offset: -1px;
    }
    .box.invalid {
      border-color: var(--mat-sys-error);
    }
    .badge {
      padding-inline-end: 0;
      border-radius: 0.5rem;
    }
    .badge button {
      display: inline-grid;
      place-items: center;
      inline-size: 1.5rem;
      block-size: 1.5rem;
      padding: 0;
      border: 0;
      border-radius: 0.375rem;
      background: none;
      color: inherit;
      cursor: pointer;
    }
    .badge app-icon {
      inline-size: 0.875rem;
      block-size: 0.875rem;
    }
    input {
      flex: 1 1 7rem;
      inline-size: auto !important;
      min-inline-size: 0;
      min-block-size: 1.75rem !important;
      padding: 0 0.25rem !important;
      border: 0 !important;
      background: none !important;
      outline: none;
    }
  `,
})
export class RolesField implements FormValueControl<readonly string[]> {
  readonly value = model<readonly string[]>([]);
  readonly errors = input<readonly ValidationError.WithOptionalFieldTree[]>([]);
  readonly touch = output();

  protected readonly t = computed(() => texts().roles);
  protected readonly said = signal('');
  // The text of the field is an error of the form while it is no role, so that the form is not saved without it.
  private readonly text = transformedValue(this.value, {
    parse: (text: string) => {
      const message = this.refusal(text);
      return message === null ? {} : { error: { kind: 'role', message } };
    },
    format: () => '',
  });
  protected readonly error = computed(() => this.errors()[0]?.message ?? null);
  private readonly field = viewChild.required<ElementRef<HTMLInputElement>>('field');

  focus(): void {
    this.field().nativeElement.focus();
  }

  protected press(event: KeyboardEvent): void {
    if (event.isComposing) return;
    const text = this.field().nativeElement.value;
    if (event.key === 'Enter' || event.key === ',' || event.key === ' ') {
      // Enter in an empty field submits the form.
      if (event.key !== 'Enter' || text.trim()) event.preventDefault();
      this.add();
    } else if (event.key === 'Backspace' && !text) {
      const last = this.value().at(-1);
      if (last) this.remove(last);
    }
  }

  protected leave(): void {
    this.add();
    this.touch.emit();
  }

  private add(): void {
    const input = this.field().nativeElement;
    const role = input.value.trim().toLowerCase();
    this.text.set(role);
    if (!role || this.refusal(role) !== null) return;
    this.value.update((roles) => [...new Set([...roles, role])].sort());
    this.said.set(this.t().added(role));
    input.value = '';
  }

  /** Why a role cannot be added, or null. */
  private refusal(role: string): string | null {
    if (!role) return null;
    if (!ROLE.test(role)) return this.t().invalid;
    return this.value().length >= MOST && !this.value().includes(role) ? this.t().tooMany : null;
  }

  protected remove(role: string): void {
    this.value.update((roles) => roles.filter((each) => each !== role));
    this.said.set(this.t().removed(role));
    this.focus();
  }
}
