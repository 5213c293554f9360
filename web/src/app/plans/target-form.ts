import { afterNextRender, Component, computed, inject, input, output, signal } from '@angular/core';
import { applyWhen, form, FormField, FormRoot, required, validate } from '@angular/forms/signals';
import { MatButton } from '@angular/material/button';
import { firstValueFrom } from 'rxjs';

import type { TierTarget } from '../api/models';
import { PlansService } from '../api/services';
import { submit } from '../kernel/submit';
import { AppField } from '../ui/field';
import { FormError } from '../ui/form-error';
import { type Choice, PersonPicker, pickerTexts } from '../ui/person-picker';
import { t as texts } from './texts';

/** `default` is the role `*`, that of accounts without another tier. */
const KINDS = ['U', 'G', 'default', 'T', 'A', 'S'] as const;
type Kind = (typeof KINDS)[number];

interface Values {
  readonly kind: Kind;
  readonly person: Choice | null;
  readonly id: string;
}

/** The form that adds a target to a tier. */
@Component({
  selector: 'app-target-form',
  imports: [AppField, FormError, FormField, FormRoot, MatButton, PersonPicker],
  template: `
    <form [formRoot]="form">
      <app-form-error [form]="form" />
      <app-field [label]="t().kind" [hint]="t().kindHints[form.kind().value()]">
        <select [formField]="form.kind">
          @for (each of KINDS; track each) {
            <option [value]="each">{{ t().kinds[each] }}</option>
          }
        </select>
      </app-field>
      @if (form.kind().value() === 'U') {
        <app-person-picker [formField]="form.person" />
      } @else if (form.kind().value() !== 'default') {
        <app-field [label]="form.kind().value() === 'G' ? t().role : t().id">
          <input
            type="text"
            autocomplete="off"
            autocapitalize="off"
            spellcheck="false"
            [formField]="form.id"
          />
        </app-field>
      }
      <div class="form-actions">
        <button mat-flat-button [disabled]="form().submitting()" disabledInteractive>{{ t().create }}</button>
        <button mat-button type="button" [disabled]="form().submitting()" (click)="cancelled.emit()">
          {{ t().cancel }}
        </button>
      </div>
    </form>
  `,
  styles: `
    form {
      max-inline-size: 36rem;
    }
  `,
})
export class TargetForm {
  readonly tier = input.required<number>();
  readonly saved = output<TierTarget>();
  readonly cancelled = output();

  private readonly plans = inject(PlansService);
  protected readonly KINDS = KINDS;
  protected readonly t = computed(() => texts().target);

  private readonly values = signal<Values>({ kind: 'U', person: null, id: '' });
  protected readonly form = form(
    this.values,
    (path) => {
      validate(path.person, ({ value, valueOf }) =>
        valueOf(path.kind) === 'U' && !value()
          ? { kind: 'required', message: pickerTexts().required }
          : undefined,
      );
      applyWhen(
        path,
        ({ value }) => value().kind !== 'U' && value().kind !== 'default',
        (named) => {
          required(named.id);
          validate(named.id, ({ value }) =>
            value().length > 100 ? { kind: 'long', message: this.t().idLong } : undefined,
          );
        },
      );
    },
    {
      submission: submit({
        send: (values: Values) => {
          const body = { target_type: typeOf(values.kind), target_id: idOf(values) };
          return firstValueFrom(this.plans.createTierTarget({ tier_id: this.tier(), body }));
        },
        done: (saved) => {
          this.saved.emit(saved);
        },
      }),
    },
  );

  constructor() {
    afterNextRender(() => this.form.kind().focusBoundControl());
  }
}

function typeOf(kind: Kind): TierTarget['target_type'] {
  return kind === 'default' ? 'G' : kind;
}

function idOf({ kind, person, id }: Values): string {
  if (kind === 'default') return '*';
  return kind === 'U' ? (person?.id ?? '') : id.trim();
}
