import { Component, computed, inject, signal } from '@angular/core';
import { form, FormField, FormRoot, required } from '@angular/forms/signals';
import { MatButton } from '@angular/material/button';
import { MAT_DIALOG_DATA, MatDialogModule, MatDialogRef } from '@angular/material/dialog';

import { UsersService } from '../api/services';
import { submit } from '../kernel/submit';
import { AppField } from '../ui/field';
import { FormError } from '../ui/form-error';
import { t as shared } from '../ui/texts';
import { t as texts } from './form-texts';

/** Asks for the password, and requests the change of the administrator's own address. Closes with true. */
@Component({
  selector: 'app-own-address',
  imports: [AppField, FormError, FormField, FormRoot, MatButton, MatDialogModule],
  template: `
    <form [formRoot]="form">
      <h2 mat-dialog-title>{{ t().title }}</h2>
      <mat-dialog-content>
        <p>{{ t().text(email) }}</p>
        <app-form-error [form]="form" />
        <app-field [label]="t().password">
          <input type="password" [formField]="form.password" autocomplete="current-password" />
        </app-field>
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
  `,
})
export class OwnAddress {
  protected readonly email = inject<string>(MAT_DIALOG_DATA);
  private readonly dialog = inject<MatDialogRef<OwnAddress, boolean>>(MatDialogRef);
  private readonly users = inject(UsersService);
  protected readonly t = computed(() => texts().ownAddress);
  protected readonly shared = shared;

  private readonly model = signal({ password: '' });
  protected readonly form = form(this.model, (path) => required(path.password), {
    submission: submit({
      send: ({ password }: { password: string }) =>
        this.users.updateMe({ body: { email: this.email, current_password: password } }),
      fields: { CURRENT_PASSWORD_REQUIRED: 'password' },
      done: () => this.dialog.close(true),
    }),
  });
}
