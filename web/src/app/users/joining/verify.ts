import { Component, computed, DestroyRef, inject } from '@angular/core';
import { rxResource } from '@angular/core/rxjs-interop';
import { form, FormField, FormRoot, hidden } from '@angular/forms/signals';
import { MatButton } from '@angular/material/button';

import { UsersService } from '../../api/services';
import { problemOf } from '../../kernel/problem';
import { Session } from '../../kernel/session';
import { submit } from '../../kernel/submit';
import { AppField } from '../../ui/field';
import { FormError } from '../../ui/form-error';
import { Page } from '../../ui/page';
import { newPassword } from '../../ui/rules';
import { Failure, Skeleton } from '../../ui/states';
import { Time } from '../../ui/time';
import { DeadLink } from './dead-link';
import { MailedLink } from '../../kernel/mailed-link';
import { NextStep } from './next-step';
import { OtherAccount } from './other-account';
import { Outcome } from './outcome';
import { t } from './texts';

const PATH = '/verify';

/**
 * Confirm the address of a new account. Opening the link changes nothing, since mail scanners open links too. The page
 * tells when and from where the account was registered: if another person did it, the owner of the address takes it
 * over with a new password.
 */
@Component({
  selector: 'app-verify',
  imports: [
    AppField,
    DeadLink,
    Failure,
    FormError,
    FormField,
    FormRoot,
    MatButton,
    NextStep,
    OtherAccount,
    Outcome,
    Page,
    Skeleton,
    Time,
  ],
  templateUrl: './verify.html',
  styleUrl: './joining.scss',
})
export class Verify {
  private readonly users = inject(UsersService);
  private readonly session = inject(Session);
  private readonly link = inject(MailedLink);
  protected readonly t = t;

  protected readonly token = computed(() => this.link.tokenFor(PATH));
  /** Address of the account that was confirmed. */
  protected readonly confirmed = this.link.state<string | null>(() => PATH, null);
  protected readonly refused = this.link.state<'dead' | 'done' | null>(() => PATH, null);

  protected readonly registration = rxResource({
    params: () => this.token() ?? undefined,
    stream: ({ params: token }) => this.users.getRegistration({ body: { token } }),
  });
  protected readonly dead = computed(
    () => this.refused() === 'dead' || problemOf(this.registration.error()).code === 'VERIFY_USER_BAD_TOKEN',
  );

  private readonly model = this.link.state(() => PATH, { stranger: false, password: '' });
  protected readonly form = form(
    this.model,
    (path) => {
      hidden(path.password, { when: ({ valueOf }) => !valueOf(path.stranger) });
      newPassword(path.password);
    },
    {
      submission: submit({
        send: ({ stranger, password }) =>
          this.users.verify({ body: { token: this.token() ?? '', ...(stranger && { password }) } }),
        done: async ({ email }) => {
          await this.session.recheck();
          this.confirmed.set(email);
        },
        fields: { RESET_PASSWORD_INVALID_PASSWORD: 'password' },
        failed: ({ code }) => {
          if (code === 'VERIFY_USER_BAD_TOKEN') this.refused.set('dead');
          else if (code === 'VERIFY_USER_ALREADY_VERIFIED') this.refused.set('done');
          void this.session.recheck(); // the account may be that of the session
          return this.refused() !== null;
        },
      }),
    },
  );

  constructor() {
    inject(DestroyRef).onDestroy(() => this.link.forget(PATH));
  }
}
