import { Component, computed, inject, input, signal } from '@angular/core';
import { form, FormField, FormRoot } from '@angular/forms/signals';
import { MatButton } from '@angular/material/button';
import { RouterLink } from '@angular/router';
import type { Observable } from 'rxjs';

import { UsersService } from '../../api/services';
import { handedEmail } from '../../kernel/handover';
import { Session } from '../../kernel/session';
import { submit } from '../../kernel/submit';
import { EmailInput } from '../../ui/email-input';
import { AppField } from '../../ui/field';
import { FormError } from '../../ui/form-error';
import { Page } from '../../ui/page';
import { emailAddress } from '../../ui/rules';
import { Mailbox } from './mailbox';
import { t } from './texts';

/** Ask for a mail with a link: to choose a new password, or to confirm the address of an account. */
@Component({
  selector: 'app-request-link',
  imports: [AppField, EmailInput, FormError, FormField, FormRoot, Mailbox, MatButton, Page, RouterLink],
  template: `
    @if (sentTo(); as email) {
      <app-mailbox [email]="email" [text]="own().sent(email)" [send]="sendAgain" (other)="sentTo.set(null)" />
    } @else {
      <div class="card">
        <app-page class="body" [heading]="own().heading" [lead]="own().lead">
          <form [formRoot]="form">
            <app-form-error [form]="form" />
            <app-field [label]="t().email">
              <input app-email [formField]="form.email" autocomplete="username" />
            </app-field>
            <button mat-flat-button [disabled]="form().submitting()">{{ t().sendLink }}</button>
          </form>
          <p class="links">
            @if (session.user()) {
              <a routerLink="/">{{ t().back }}</a>
            } @else {
              <a routerLink="/sign-in" [state]="{ email: form.email().value() }">{{ t().signIn }}</a>
            }
          </p>
        </app-page>
      </div>
    }
  `,
  styleUrl: './joining.scss',
})
export class RequestLink {
  readonly purpose = input.required<'forgot' | 'resend'>();

  private readonly users = inject(UsersService);
  protected readonly session = inject(Session);
  protected readonly t = t;
  protected readonly own = computed(() => t()[this.purpose()]);

  protected readonly sentTo = signal<string | null>(null);
  private readonly model = signal({ email: handedEmail() || (this.session.user()?.email ?? '') });
  protected readonly form = form(this.model, (path) => emailAddress(path.email), {
    submission: submit({
      send: ({ email }) => this.request(email),
      done: (_, { email }) => this.sentTo.set(email),
    }),
  });

  protected readonly sendAgain = () => this.request(this.sentTo() ?? '');

  private request(email: string): Observable<null> {
    const body = { email };
    return this.purpose() === 'forgot'
      ? this.users.forgotPassword({ body })
      : this.users.requestVerifyToken({ body });
  }
}
