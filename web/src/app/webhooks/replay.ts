import { Component, computed, inject, signal } from '@angular/core';
import { form, FormField, FormRoot, validate } from '@angular/forms/signals';
import { MatButton } from '@angular/material/button';
import { MAT_DIALOG_DATA, MatDialogModule, MatDialogRef } from '@angular/material/dialog';
import { firstValueFrom } from 'rxjs';

import { WebhooksService } from '../api/services';
import { now } from '../kernel/time';
import { submit } from '../kernel/submit';
import { AppField } from '../ui/field';
import { FormError } from '../ui/form-error';
import { t as shared } from '../ui/texts';
import { t as texts } from './log-texts';
import './texts'; // what refusals say

const MOST = 5000; // of one request
const HOURS = { hour: 1, day: 24, week: 168 };
type Since = keyof typeof HOURS | 'other';
const SINCES: readonly Since[] = ['hour', 'day', 'week', 'other'];

interface Values {
  what: 'failed' | 'missing';
  since: Since;
  time: string;
}

/** Delivers again what failed, or what was never delivered. Closes with the number of deliveries. */
@Component({
  selector: 'app-replay',
  imports: [AppField, FormError, FormField, FormRoot, MatButton, MatDialogModule],
  template: `
    <form [formRoot]="form">
      <h2 mat-dialog-title>{{ t().title }}</h2>
      <mat-dialog-content>
        <app-form-error [form]="form" />
        @if (refusal(); as text) {
          <p class="banner danger" role="alert">{{ text }}</p>
        }
        <label class="check">
          <input type="radio" value="failed" [formField]="form.what" />
          <span
            >{{ t().failed }}<span class="quiet small">{{ t().failedHint }}</span></span
          >
        </label>
        <label class="check">
          <input type="radio" value="missing" [formField]="form.what" />
          <span
            >{{ t().missing }}<span class="quiet small">{{ t().missingHint }}</span></span
          >
        </label>
        <app-field [label]="t().since">
          <select [formField]="form.since">
            @for (each of SINCES; track each) {
              <option [value]="each">{{ t().sinces[each] }}</option>
            }
          </select>
        </app-field>
        @if (form.since().value() === 'other') {
          <app-field [label]="t().time" [hint]="t().timeHint">
            <input type="datetime-local" [formField]="form.time" />
          </app-field>
        }
      </mat-dialog-content>
      <mat-dialog-actions align="end">
        <button mat-button type="button" mat-dialog-close>{{ shared().cancel }}</button>
        <button mat-flat-button [disabled]="form().submitting()">{{ t().action }}</button>
      </mat-dialog-actions>
    </form>
  `,
  styles: `
    form {
      gap: 0;
    }
    mat-dialog-content {
      display: grid;
      gap: 1rem;
    }
    .check {
      color: var(--mat-sys-on-surface);
      cursor: pointer;
    }
    .check span span {
      display: block;
    }
  `,
})
export class ReplayDialog {
  private readonly id = inject<string>(MAT_DIALOG_DATA);
  private readonly dialog = inject<MatDialogRef<ReplayDialog, number>>(MatDialogRef);
  private readonly webhooks = inject(WebhooksService);
  protected readonly t = computed(() => texts().replay);
  protected readonly shared = shared;
  protected readonly SINCES = SINCES;
  protected readonly refusal = signal<string | null>(null);

  private readonly model = signal<Values>({ what: 'failed', since: 'day', time: '' });
  protected readonly form = form(
    this.model,
    (path) => {
      validate(path.time, ({ value, valueOf }) =>
        valueOf(path.since) === 'other' && !value()
          ? { kind: 'missing', message: this.t().timeMissing }
          : undefined,
      );
    },
    {
      submission: submit({
        send: (values: Values) => this.replay(values),
        failed: ({ code, detail }) => {
          this.refusal.set(code.startsWith('WEBHOOK_') ? detail : null);
          return this.refusal() !== null;
        },
        done: (count: number) => this.dialog.close(count),
      }),
    },
  );

  private async replay({ what, since, time }: Values): Promise<number> {
    this.refusal.set(null);
    const at = since === 'other' ? new Date(time) : new Date(now() - HOURS[since] * 3_600_000);
    let count = 0;
    for (let last = MOST; last === MOST; count += last) {
      const body = { what, since: at.toISOString() };
      ({ deliveries: last } = await firstValueFrom(this.webhooks.replay({ id: this.id, body })));
    }
    return count;
  }
}
