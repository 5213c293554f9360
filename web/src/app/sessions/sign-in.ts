import { Component, computed, inject, input, signal } from '@angular/core';
import { form, FormField, FormRoot, required } from '@angular/forms/signals';
import { MatButton } from '@angular/material/button';
import { RouterLink } from '@angular/router';

import { handedEmail } from '../kernel/handover';
import { Session } from '../kernel/session';
import { submit } from '../kernel/submit';
import { EmailInput } from '../ui/email-input';
import { AppField } from '../ui/field';
import { FormError } from '../ui/form-error';
import { Page } from '../ui/page';
import { t as texts } from './texts';
import { Unverified } from './unverified';

@Component({
  selector: 'app-sign-in',
  imports: [AppField, EmailInput, FormError, FormField, FormRoot, MatButton, Page, RouterLink, Unverified],
  template: `
    <div class="card">
      <app-page class="body" [heading]="t().heading">
        @if (unverified(); as email) {
          <app-unverified [email]="email" />
        } @else if (ended()) {
          <p class="banner caution" role="status">{{ t().ended }}</p>
        }
        <form [formRoot]="form">
          <app-form-error [form]="form" />
          <app-field [label]="t().email">
            <input app-email [formField]="form.username" autocomplete="username" />
          </app-field>
          <app-field [label]="t().password">
            <input type="password" [formField]="form.password" autocomplete="current-password" />
          </app-field>
          <button mat-flat-button [disabled]="form().submitting()">{{ t().action }}</button>
        </form>
        <p class="links">
          <a routerLink="/forgot-password" [state]="handover()">{{ t().forgot }}</a>
          <a routerLink="/register" [state]="handover()">{{ t().register }}</a>
        </p>
      </app-page>
    </div>
  `,
  styles: `
    .body {
      display: block;
    }
    .banner {
      margin-block-end: 1.25rem;
    }
    .links {
      display: flex;
      flex-wrap: wrap;
      justify-content: space-between;
      gap: 0.5rem 1rem;
      margin-block-start: 1.5rem;
      font-size: 0.875rem;
    }
  `,
})
export class SignIn {
  /** Set when the previous session was ended, by the server or in another place. */
  readonly ended = input<string>();

  protected readonly t = computed(() => texts().signIn);
  /** The address with which signing in failed because it is not confirmed. */
  protected readonly unverified = signal<string | null>(null);
  private readonly model = signal({ username: handedEmail(), password: '' });
  protected readonly handover = computed(() => ({ email: this.model().username }));
  protected readonly form = form(
    this.model,
    (path) => {
      required(path.username);
      required(path.password);
    },
    {
      submission: submit({
        send: (value) => {
          this.unverified.set(null);
          return this.session.signIn(value);
        },
        failed: ({ code }, { username }) => {
          if (code !== 'LOGIN_USER_NOT_VERIFIED') return false;
          this.unverified.set(username);
          return true;
        },
      }),
    },
  );
  private readonly session = inject(Session);
}
