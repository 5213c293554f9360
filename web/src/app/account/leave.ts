import { Component, computed, inject, signal } from '@angular/core';
import { form, FormField, FormRoot, required } from '@angular/forms/signals';
import { MatButton } from '@angular/material/button';
import { Router, RouterLink } from '@angular/router';

import { UsersService } from '../api/services';
import { Session } from '../kernel/session';
import { submit } from '../kernel/submit';
import { AppField } from '../ui/field';
import { FormError } from '../ui/form-error';
import { Page } from '../ui/page';
import { t as texts } from './texts';

@Component({
  selector: 'app-leave',
  imports: [AppField, FormError, FormField, FormRoot, MatButton, Page, RouterLink],
  template: `
    <app-page [heading]="t().heading" [lead]="t().lead">
      <section class="card narrow">
        <div class="body">
          <ul class="facts-list">
            @for (fact of t().facts; track fact) {
              <li>{{ fact }}</li>
            }
          </ul>
          <p class="quiet">
            {{ t().copy }} <a routerLink="/account/data">{{ t().data }}</a>
          </p>
          <form [formRoot]="form">
            <app-form-error [form]="form" />
            <app-field [label]="t().password">
              <input type="password" [formField]="form.current_password" autocomplete="current-password" />
            </app-field>
            <div class="form-actions">
              <button mat-flat-button class="danger" [disabled]="form().submitting()">
                {{ t().action }}
              </button>
              <a mat-button routerLink="/account/profile">{{ t().stay }}</a>
            </div>
          </form>
        </div>
      </section>
    </app-page>
  `,
  styleUrl: './account.scss',
  styles: `
    .facts-list {
      display: grid;
      gap: 0.375rem;
      margin: 0 0 1rem;
      padding-inline-start: 1.25rem;
    }
  `,
})
export class Leave {
  private readonly users = inject(UsersService);
  private readonly session = inject(Session);
  private readonly router = inject(Router);
  protected readonly t = computed(() => texts().leave);

  private readonly model = signal({ current_password: '' });
  protected readonly form = form(this.model, (path) => required(path.current_password), {
    submission: submit({
      send: (body) => this.users.deleteMe({ body }),
      done: ({ delete_after }) =>
        this.session.close(this.router.createUrlTree(['/goodbye'], { queryParams: { until: delete_after } })),
      fields: { CURRENT_PASSWORD_REQUIRED: 'current_password' },
    }),
  });
}
