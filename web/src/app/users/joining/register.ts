import { Component, inject, signal } from '@angular/core';
import { form, FormField, FormRoot } from '@angular/forms/signals';
import { MatButton } from '@angular/material/button';
import { RouterLink } from '@angular/router';
import type { Observable } from 'rxjs';

import type { User } from '../../api/models';
import { UsersService } from '../../api/services';
import { handedEmail } from '../../kernel/handover';
import { submit } from '../../kernel/submit';
import { EmailInput } from '../../ui/email-input';
import { AppField } from '../../ui/field';
import { FormError } from '../../ui/form-error';
import { Page } from '../../ui/page';
import { emailAddress, newPassword } from '../../ui/rules';
import { Mailbox } from './mailbox';
import { t } from './texts';

@Component({
  selector: 'app-register',
  imports: [AppField, EmailInput, FormError, FormField, FormRoot, Mailbox, MatButton, Page, RouterLink],
  template: `
    @if (sentTo(); as email) {
      <app-mailbox
        [email]="email"
        [text]="t().register.sent(email)"
        [send]="sendAgain"
        [ready]="true"
        (other)="sentTo.set(null)"
      />
    } @else {
      <div class="card">
        <app-page class="body" [heading]="t().register.heading" [lead]="t().register.lead">
          <form [formRoot]="form">
            <app-form-error [form]="form" />
            <app-field [label]="t().email">
              <input app-email [formField]="form.email" autocomplete="username" />
            </app-field>
            <app-field [label]="t().password.label" [hint]="t().password.hint">
              <input type="password" [formField]="form.password" autocomplete="new-password" />
            </app-field>
            <button mat-flat-button [disabled]="form().submitting()">{{ t().register.action }}</button>
          </form>
          <p class="links">
            <span class="quiet">{{ t().register.member }}</span>
            <a routerLink="/sign-in" [state]="{ email: form.email().value() }">{{ t().signIn }}</a>
          </p>
        </app-page>
      </div>
    }
  `,
  styleUrl: './joining.scss',
})
export class Register {
  private readonly users = inject(UsersService);
  protected readonly t = t;

  protected readonly sentTo = signal<string | null>(null);
  private readonly model = signal({ email: handedEmail(), password: '' });
  protected readonly form = form(
    this.model,
    (path) => {
      emailAddress(path.email);
      newPassword(path.password);
    },
    {
      submission: submit({
        send: (body): Observable<User | null> => this.users.register({ body }), // null: HIDE_ACCOUNTS
        done: (user, value) => {
          const email = user?.email ?? value.email;
          this.form().reset({ email, password: '' });
          this.sentTo.set(email);
        },
        fields: { REGISTER_USER_ALREADY_EXISTS: 'email', REGISTER_INVALID_PASSWORD: 'password' },
      }),
    },
  );

  protected readonly sendAgain = () =>
    this.users.requestVerifyToken({ body: { email: this.sentTo() ?? '' } });
}
