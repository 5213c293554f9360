import { Component, computed, inject, signal } from '@angular/core';
import { form, FormField, FormRoot } from '@angular/forms/signals';
import { MatButton } from '@angular/material/button';
import { Router, RouterLink } from '@angular/router';

import type { User } from '../api/models';
import { UsersService } from '../api/services';
import { Language, language, LANGUAGES } from '../kernel/language';
import { Notices } from '../kernel/notices';
import { submit } from '../kernel/submit';
import { keepTyped } from '../kernel/typed';
import { Check } from '../ui/check';
import { EmailInput } from '../ui/email-input';
import { AppField } from '../ui/field';
import { FormError } from '../ui/form-error';
import { Page } from '../ui/page';
import { emailAddress, personName } from '../ui/rules';
import { RolesField } from './roles-field';
import { t as texts } from './texts';

interface Values {
  email: string;
  name: string;
  language: Language;
  roles: readonly string[];
  is_superuser: boolean;
}

@Component({
  selector: 'app-invite',
  imports: [
    AppField,
    Check,
    EmailInput,
    FormError,
    FormField,
    FormRoot,
    MatButton,
    Page,
    RolesField,
    RouterLink,
  ],
  template: `
    <app-page [heading]="t().heading" [lead]="t().lead">
      <div class="card narrow">
        <form class="body" [formRoot]="form">
          <app-form-error [form]="form" />
          <app-field [label]="t().email">
            <input app-email [formField]="form.email" autocomplete="off" />
          </app-field>
          @if (taken(); as address) {
            <p class="small taken">
              <a routerLink="/people" [queryParams]="{ q: address }">{{ t().find }}</a>
            </p>
          }
          <app-field [label]="t().name" [optional]="true">
            <input type="text" [formField]="form.name" autocomplete="off" />
          </app-field>
          <app-field [label]="t().language" [hint]="t().languageHint">
            <select [formField]="form.language">
              @for (code of codes; track code) {
                <option [value]="code" [attr.lang]="code">{{ LANGUAGES[code] }}</option>
              }
            </select>
          </app-field>
          <app-roles-field [formField]="form.roles" />
          <app-check [label]="t().superuser" [hint]="t().superuserHint">
            <input type="checkbox" [formField]="form.is_superuser" />
          </app-check>
          <div class="form-actions">
            <button mat-flat-button [disabled]="form().submitting()">{{ t().action }}</button>
            <a mat-button routerLink="/people">{{ t().cancel }}</a>
          </div>
        </form>
      </div>
    </app-page>
  `,
  styles: `
    .narrow {
      max-inline-size: 36rem;
    }
    .taken {
      margin-block-start: -0.75rem;
    }
  `,
})
export class Invite {
  private readonly users = inject(UsersService);
  private readonly router = inject(Router);
  private readonly notices = inject(Notices);
  protected readonly t = computed(() => texts().invite);
  protected readonly LANGUAGES = LANGUAGES;
  protected readonly codes = Object.keys(LANGUAGES) as Language[];
  private readonly refused = signal<string | null>(null);

  private readonly typed: Values | null = keepTyped('invite', () => this.model());
  private readonly model = signal<Values>(
    this.typed ?? { email: '', name: '', language: language(), roles: [], is_superuser: false },
  );
  protected readonly form = form(
    this.model,
    (path) => {
      emailAddress(path.email);
      personName(path.name);
    },
    {
      submission: submit({
        send: (value: Values) =>
          this.users.inviteUser({
            body: { ...value, roles: [...value.roles], name: value.name.trim() || null },
          }),
        fields: { USER_ALREADY_EXISTS: 'email' },
        failed: ({ code }, value) => {
          if (code === 'USER_ALREADY_EXISTS') this.refused.set(value.email);
          return false;
        },
        done: (user: User) => {
          this.notices.say(this.t().done(user.email));
          return this.router.navigate(['/people', user.id]);
        },
      }),
    },
  );
  /** The address that already has an account. */
  protected readonly taken = computed(() => (this.refused() === this.model().email ? this.refused() : null));
}
