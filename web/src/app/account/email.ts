import { Component, computed, ElementRef, inject, signal, viewChild } from '@angular/core';
import { form, FormField, FormRoot, required } from '@angular/forms/signals';
import { MatButton } from '@angular/material/button';
import { firstValueFrom } from 'rxjs';

import { getMe } from '../api/fn/users/get-me';
import type { User } from '../api/models';
import { UsersService } from '../api/services';
import { Notices } from '../kernel/notices';
import { read } from '../kernel/read';
import { Session } from '../kernel/session';
import { submit } from '../kernel/submit';
import { keepTyped } from '../kernel/typed';
import { EmailInput } from '../ui/email-input';
import { AppField } from '../ui/field';
import { FormError } from '../ui/form-error';
import { Icon } from '../ui/icon';
import { Page } from '../ui/page';
import { emailAddress } from '../ui/rules';
import { Failure, Skeleton } from '../ui/states';
import { t as texts } from './texts';

@Component({
  selector: 'app-email',
  imports: [AppField, EmailInput, Failure, FormError, FormField, FormRoot, Icon, MatButton, Page, Skeleton],
  templateUrl: './email.html',
  styleUrl: './account.scss',
})
export class Email {
  private readonly users = inject(UsersService);
  private readonly session = inject(Session);
  private readonly notices = inject(Notices);
  private readonly heading = viewChild<ElementRef<HTMLElement>>('change');
  protected readonly t = computed(() => texts().email);

  protected readonly account = read(getMe, () => ({}));
  protected readonly stored = computed(() => (this.account.hasValue() ? this.account.value() : undefined));
  protected readonly busy = signal(false);

  private readonly typed: string | null = keepTyped('email', () => this.model().email || null);
  private readonly model = signal({ email: this.typed ?? '', current_password: '' });
  protected readonly form = form(
    this.model,
    (path) => {
      emailAddress(path.email);
      required(path.current_password);
    },
    {
      submission: submit({
        send: ({ email, current_password }) =>
          this.users.updateMe({ body: { email: email.trim(), current_password } }),
        done: (user) => {
          this.form().reset({ email: '', current_password: '' });
          this.show(user);
          if (user.pending_email) this.notices.say(this.t().sent(user.pending_email));
          else this.notices.say(this.t().same);
        },
        fields: {
          CURRENT_PASSWORD_REQUIRED: 'current_password',
          UPDATE_USER_EMAIL_ALREADY_EXISTS: 'email',
        },
      }),
    },
  );

  /** The account's own address, as a new one, cancels the change. */
  protected async cancel({ email }: User): Promise<void> {
    await this.act(async () => {
      this.show(await firstValueFrom(this.users.updateMe({ body: { email } })));
      this.notices.say(this.t().cancelled);
      this.heading()?.nativeElement.focus(); // the button has disappeared
    });
  }

  protected async confirm({ email }: User): Promise<void> {
    await this.act(async () => {
      await firstValueFrom(this.users.requestVerifyToken({ body: { email } }));
      this.notices.say(this.t().sent(email));
    });
  }

  private async act(action: () => Promise<void>): Promise<void> {
    this.busy.set(true);
    try {
      await action();
    } catch (error) {
      this.notices.fail(error);
    } finally {
      this.busy.set(false);
    }
  }

  private show(user: User): void {
    this.account.set(user);
    this.session.update(user);
  }
}
