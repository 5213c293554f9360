import { Component, computed, inject, signal } from '@angular/core';
import { form, FormField, FormRoot } from '@angular/forms/signals';
import { MatButton } from '@angular/material/button';
import { MAT_DIALOG_DATA, MatDialogModule, MatDialogRef } from '@angular/material/dialog';

import { WebhooksService } from '../api/services';
import { submit } from '../kernel/submit';
import { AppField } from '../ui/field';
import { FormError } from '../ui/form-error';
import { t as shared } from '../ui/texts';
import { SecretOnce } from './secret-once';
import { t as texts } from './texts';

const GRACES = [0, 1, 24, 72, 168];

/** Replaces the secret, and shows the new one. It is not closed by a click outside, since nothing shows it again. */
@Component({
  selector: 'app-rotate',
  imports: [AppField, FormError, FormField, FormRoot, MatButton, MatDialogModule, SecretOnce],
  template: `
    @if (secret(); as secret) {
      <h2 mat-dialog-title>{{ t().done }}</h2>
      <mat-dialog-content><app-secret-once [secret]="secret" /></mat-dialog-content>
      <mat-dialog-actions align="end">
        <button mat-flat-button type="button" mat-dialog-close>{{ t().close }}</button>
      </mat-dialog-actions>
    } @else {
      <form [formRoot]="form">
        <h2 mat-dialog-title>{{ t().title }}</h2>
        <mat-dialog-content>
          <p>{{ t().text }}</p>
          <app-form-error [form]="form" />
          <app-field [label]="t().grace">
            <select [formField]="form.hours">
              @for (hours of GRACES; track hours) {
                <option [value]="hours">{{ t().hours(hours) }}</option>
              }
            </select>
          </app-field>
        </mat-dialog-content>
        <mat-dialog-actions align="end">
          <button mat-button type="button" mat-dialog-close>{{ shared().cancel }}</button>
          <button mat-flat-button [disabled]="form().submitting()">{{ t().action }}</button>
        </mat-dialog-actions>
      </form>
    }
  `,
  styles: `
    form {
      gap: 0;
    }
    mat-dialog-content {
      display: grid;
      gap: 1rem;
    }
  `,
})
export class Rotate {
  private readonly id = inject<string>(MAT_DIALOG_DATA);
  private readonly dialog = inject<MatDialogRef<Rotate>>(MatDialogRef);
  private readonly webhooks = inject(WebhooksService);
  protected readonly t = computed(() => texts().rotate);
  protected readonly shared = shared;
  protected readonly GRACES = GRACES;
  protected readonly secret = signal<string | null>(null);

  private readonly model = signal({ hours: '24' });
  protected readonly form = form(this.model, {
    submission: submit({
      send: ({ hours }: { hours: string }) =>
        this.webhooks.rotateSecret({ id: this.id, body: { grace_hours: Number(hours) } }),
      done: ({ secret }: { secret: string }) => {
        this.dialog.disableClose = true;
        this.secret.set(secret);
      },
    }),
  });
}
