import { Component, computed, inject, signal } from '@angular/core';
import { form, FormField, FormRoot, required, validate } from '@angular/forms/signals';
import { MatButton } from '@angular/material/button';
import { MAT_DIALOG_DATA, MatDialogModule, MatDialogRef } from '@angular/material/dialog';
import type { Observable } from 'rxjs';

import type { User } from '../api/models';
import { UsersService } from '../api/services';
import { Session } from '../kernel/session';
import { submit } from '../kernel/submit';
import { AppField } from '../ui/field';
import { FormError } from '../ui/form-error';
import { t as shared } from '../ui/texts';
import { t as texts } from './texts';

/** Deletes an account when its address was typed; one's own also needs the password. Closes with true. */
@Component({
  selector: 'app-delete-person',
  imports: [AppField, FormError, FormField, FormRoot, MatButton, MatDialogModule],
  template: `
    <form [formRoot]="form">
      <h2 mat-dialog-title>{{ t().title }}</h2>
      <mat-dialog-content>
        <p>{{ own ? t().ownText : t().text }}</p>
        <app-form-error [form]="form" />
        <app-field [label]="t().type(user.email)">
          <input type="text" [formField]="form.email" autocomplete="off" spellcheck="false" />
        </app-field>
        @if (own) {
          <app-field [label]="t().password">
            <input type="password" [formField]="form.password" autocomplete="current-password" />
          </app-field>
        }
      </mat-dialog-content>
      <mat-dialog-actions align="end">
        <button mat-button type="button" mat-dialog-close>{{ shared().cancel }}</button>
        <button mat-flat-button class="danger" [disabled]="form().submitting()">{{ t().action }}</button>
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
    p {
      overflow-wrap: anywhere;
    }
  `,
})
export class DeletePerson {
  protected readonly user = inject<User>(MAT_DIALOG_DATA);
  private readonly dialog = inject<MatDialogRef<DeletePerson, boolean>>(MatDialogRef);
  private readonly users = inject(UsersService);
  protected readonly own = inject(Session).user()?.id === this.user.id;
  protected readonly t = computed(() => texts().remove);
  protected readonly shared = shared;

  private readonly model = signal({ email: '', password: '' });
  protected readonly form = form(
    this.model,
    (path) => {
      validate(path.email, ({ value }) =>
        value().trim().toLowerCase() === this.user.email.toLowerCase()
          ? undefined
          : { kind: 'other', message: this.t().other },
      );
      required(path.password, { when: () => this.own });
    },
    {
      submission: submit({
        send: ({ password }: { email: string; password: string }): Observable<unknown> =>
          this.own
            ? this.users.deleteMe({ body: { current_password: password } })
            : this.users.deleteUser({ id: this.user.id }),
        fields: { CURRENT_PASSWORD_REQUIRED: 'password' },
        done: () => this.dialog.close(true),
      }),
    },
  );
}
