import { Component, computed, DestroyRef, inject, input } from '@angular/core';
import { form, FormField, FormRoot, hidden } from '@angular/forms/signals';
import { MatButton } from '@angular/material/button';
import type { Observable } from 'rxjs';

import type { User } from '../../api/models';
import { UsersService } from '../../api/services';
import { Session } from '../../kernel/session';
import { submit } from '../../kernel/submit';
import { AppField } from '../../ui/field';
import { FormError } from '../../ui/form-error';
import { Page } from '../../ui/page';
import { newPassword } from '../../ui/rules';
import { DeadLink } from './dead-link';
import { MailedLink } from '../../kernel/mailed-link';
import { NextStep } from './next-step';
import { OtherAccount } from './other-account';
import { Outcome } from './outcome';
import { t } from './texts';

const DEAD = ['RESET_PASSWORD_BAD_TOKEN', 'CONFIRM_EMAIL_BAD_TOKEN', 'REVERT_EMAIL_BAD_TOKEN'];

type Purpose = 'reset-password' | 'accept-invitation' | 'confirm-email' | 'revert-email';

/**
 * The page behind a mailed link that sets a password or decides on a change of address. Opening the link changes
 * nothing, since mail scanners open links too.
 */
@Component({
  selector: 'app-use-link',
  imports: [
    AppField,
    DeadLink,
    FormError,
    FormField,
    FormRoot,
    MatButton,
    NextStep,
    OtherAccount,
    Outcome,
    Page,
  ],
  template: `
    @if (done(); as account) {
      <app-outcome
        icon="check_circle"
        [good]="true"
        [heading]="own().done"
        [text]="own().doneText(account.email)"
      >
        <app-next-step [email]="account.email" />
      </app-outcome>
    } @else if (!token() || dead()) {
      <app-dead-link [missing]="!token()" [text]="own().dead" [renewal]="renewal()" />
    } @else {
      <div class="card">
        <app-page class="body" [heading]="own().heading" [lead]="own().lead">
          <app-other-account />
          <form [formRoot]="form">
            <app-form-error [form]="form" />
            @if (!form.password().hidden()) {
              <app-field [label]="t().password.new" [hint]="t().password.hint">
                <input type="password" [formField]="form.password" autocomplete="new-password" />
              </app-field>
            }
            <button mat-flat-button [disabled]="form().submitting()">{{ own().action }}</button>
          </form>
        </app-page>
      </div>
    }
  `,
  styleUrl: './joining.scss',
})
export class UseLink {
  readonly purpose = input.required<Purpose>();

  private readonly users = inject(UsersService);
  private readonly session = inject(Session);
  private readonly link = inject(MailedLink);
  protected readonly t = t;
  protected readonly own = computed(() => t().links[this.purpose()]);

  private readonly path = computed(() => `/${this.purpose()}`);
  protected readonly token = computed(() => this.link.tokenFor(this.path()));
  /** The account of the link after its use; the address is empty if the server does not tell it. */
  protected readonly done = this.link.state<{ email: string } | null>(this.path, null);
  protected readonly dead = this.link.state(this.path, false);
  protected readonly renewal = computed(() => {
    const sets = this.purpose() === 'reset-password' || this.purpose() === 'accept-invitation';
    return sets ? '/forgot-password' : undefined;
  });

  private readonly model = this.link.state(this.path, { password: '' });
  protected readonly form = form(
    this.model,
    (path) => {
      hidden(path.password, { when: () => this.purpose() === 'confirm-email' });
      newPassword(path.password);
    },
    {
      submission: submit({
        send: ({ password }) => this.send(this.token() ?? '', password),
        done: async (user) => {
          await this.session.recheck(); // the server has ended all sessions of the account
          this.done.set({ email: user?.email ?? '' });
        },
        fields: { RESET_PASSWORD_INVALID_PASSWORD: 'password' },
        failed: ({ code }) => {
          if (!DEAD.includes(code)) return false;
          this.dead.set(true);
          return true;
        },
      }),
    },
  );

  constructor() {
    inject(DestroyRef).onDestroy(() => this.link.forget(this.path()));
  }

  private send(token: string, password: string): Observable<User | null> {
    switch (this.purpose()) {
      case 'confirm-email':
        return this.users.confirmEmail({ body: { token } });
      case 'revert-email':
        return this.users.revertEmail({ body: { token, password } });
      default:
        return this.users.resetPassword({ body: { token, password } });
    }
  }
}
