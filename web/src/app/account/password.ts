import { Component, computed, inject, signal } from '@angular/core';
import { form, FormField, FormRoot, required } from '@angular/forms/signals';
import { MatButton } from '@angular/material/button';

import { UsersService } from '../api/services';
import { Notices } from '../kernel/notices';
import { Session } from '../kernel/session';
import { submit } from '../kernel/submit';
import { AppField } from '../ui/field';
import { FormError } from '../ui/form-error';
import { Icon } from '../ui/icon';
import { Page } from '../ui/page';
import { newPassword } from '../ui/rules';
import { t as texts } from './texts';

@Component({
  selector: 'app-password',
  imports: [AppField, FormError, FormField, FormRoot, Icon, MatButton, Page],
  template: `
    <app-page [heading]="t().heading" [lead]="t().lead">
      <section class="card narrow">
        <div class="body">
          <form [formRoot]="form">
            <app-form-error [form]="form" />
            <!-- Password managers store the new password for this address. -->
            <input type="email" autocomplete="username" [value]="session.user()?.email" readonly hidden />
            <app-field [label]="t().current">
              <input type="password" [formField]="form.current_password" autocomplete="current-password" />
            </app-field>
            <app-field [label]="t().next" [hint]="t().hint">
              <input type="password" [formField]="form.new_password" autocomplete="new-password" />
            </app-field>
            <p class="banner"><app-icon name="info" />{{ t().others }}</p>
            <div class="form-actions">
              <button mat-flat-button [disabled]="form().submitting()">{{ t().action }}</button>
            </div>
          </form>
        </div>
      </section>
    </app-page>
  `,
  styleUrl: './account.scss',
})
export class Password {
  private readonly users = inject(UsersService);
  private readonly notices = inject(Notices);
  protected readonly session = inject(Session);
  protected readonly t = computed(() => texts().password);

  private readonly model = signal({ current_password: '', new_password: '' });
  protected readonly form = form(
    this.model,
    (path) => {
      required(path.current_password);
      newPassword(path.new_password);
    },
    {
      submission: submit({
        send: (body) => this.users.changePassword({ body }),
        done: () => {
          this.form().reset({ current_password: '', new_password: '' });
          this.notices.say(this.t().done);
        },
        fields: {
          CHANGE_PASSWORD_BAD_CREDENTIALS: 'current_password',
          CHANGE_PASSWORD_INVALID_PASSWORD: 'new_password',
        },
      }),
    },
  );
}
