import { HttpResponse } from '@angular/common/http';
import { Component, computed, inject, linkedSignal, model } from '@angular/core';
import { form, FormField, FormRoot } from '@angular/forms/signals';
import { MatButton } from '@angular/material/button';
import { MatDialog } from '@angular/material/dialog';
import { firstValueFrom } from 'rxjs';

import type { User } from '../api/models';
import { UsersService } from '../api/services';
import { Notices } from '../kernel/notices';
import { problemOf } from '../kernel/problem';
import { Session } from '../kernel/session';
import { submit } from '../kernel/submit';
import { keepTyped } from '../kernel/typed';
import { Check } from '../ui/check';
import { resolveConflict } from '../ui/conflict';
import { Confirm } from '../ui/confirm';
import { EmailInput } from '../ui/email-input';
import { AppField } from '../ui/field';
import { FormError } from '../ui/form-error';
import { emailAddress, personName } from '../ui/rules';
import { OwnAddress } from './own-address';
import { RolesField } from './roles-field';
import { t as texts } from './form-texts';
import { changedFields, Field, FIELDS, Loaded, same, take, updateOf, Values, valuesOf } from './values';

export function loadedFrom({ body, headers }: HttpResponse<User>): Loaded | undefined {
  return body ? { user: body, etag: headers.get('ETag') ?? undefined } : undefined;
}

/** What was typed when the session ended. */
interface Typed {
  readonly id: string;
  readonly base: Values;
  readonly values: Values;
}

/** The form of an account. A change by another administrator in the meantime is resolved field by field. */
@Component({
  selector: 'app-person-form',
  imports: [AppField, Check, EmailInput, FormError, FormField, FormRoot, MatButton, RolesField],
  template: `
    <form [formRoot]="form">
      <app-form-error [form]="form" />
      <app-field [label]="names().name" [optional]="true">
        <input type="text" [formField]="form.name" autocomplete="off" />
      </app-field>
      <app-field [label]="names().email" [hint]="own() ? t().ownEmailHint : t().emailHint">
        <input app-email [formField]="form.email" autocomplete="off" />
      </app-field>
      <app-roles-field [formField]="form.roles" />
      <app-check [label]="names().is_active" [hint]="t().activeHint">
        <input type="checkbox" [formField]="form.is_active" />
      </app-check>
      <app-check [label]="names().is_verified" [hint]="t().verifiedHint">
        <input type="checkbox" [formField]="form.is_verified" />
      </app-check>
      <app-check [label]="names().is_superuser" [hint]="t().superuserHint">
        <input type="checkbox" [formField]="form.is_superuser" />
      </app-check>
      @if (grants()) {
        <p class="banner caution" role="status">{{ t().grants }}</p>
      }
      <div class="form-actions">
        <button mat-flat-button [disabled]="!changed() || form().submitting()" disabledInteractive>
          {{ t().save }}
        </button>
        @if (changed()) {
          <button mat-button type="button" [disabled]="form().submitting()" (click)="discard()">
            {{ t().discard }}
          </button>
        }
      </div>
    </form>
  `,
})
export class PersonForm {
  readonly loaded = model.required<Loaded>();

  private readonly users = inject(UsersService);
  private readonly session = inject(Session);
  private readonly notices = inject(Notices);
  private readonly confirm = inject(Confirm);
  private readonly dialogs = inject(MatDialog);
  protected readonly t = computed(() => texts().form);
  protected readonly names = computed(() => texts().fields);

  private readonly base = computed(() => valuesOf(this.loaded().user));
  private readonly typed: Typed | null = keepTyped('person', () =>
    this.changed() ? { id: this.loaded().user.id, base: this.base(), values: this.values() } : null,
  );
  // What is typed stays when the account changes, in fields that differ from the account as it was before.
  private readonly values = linkedSignal<Values, Values>({
    source: this.base,
    computation: (base, previous) => {
      if (previous) return take(changedFields(previous.source, previous.value), previous.value, base);
      const { typed } = this;
      if (typed?.id !== this.loaded().user.id) return base;
      return take(changedFields(typed.base, typed.values), typed.values, base);
    },
  });
  protected readonly form = form(
    this.values,
    (path) => {
      emailAddress(path.email);
      personName(path.name);
    },
    {
      submission: submit({
        send: (values: Values) => this.save({ ...values, name: values.name.trim() }),
        done: (saved) => {
          if (saved) this.notices.say(this.t().saved);
        },
        fields: {
          UPDATE_USER_EMAIL_ALREADY_EXISTS: 'email',
          LAST_SUPERUSER: 'is_superuser',
          USER_DISABLED: 'is_active',
        },
      }),
    },
  );
  protected readonly changed = computed(() => changedFields(this.base(), this.values()).length > 0);
  protected readonly own = computed(() => this.session.user()?.id === this.loaded().user.id);
  /** Whether the change gives rights to an account whose address is not confirmed. */
  protected readonly grants = computed(() => {
    const [base, values] = [this.base(), this.values()];
    const trusts =
      values.is_verified ||
      (values.is_superuser && !base.is_superuser) ||
      values.roles.some((role) => !base.roles.includes(role));
    return !base.is_verified && trusts;
  });

  protected discard(): void {
    this.form().reset(this.base());
  }

  /** Save, and return whether it was done; false if the administrator cancelled. */
  private async save(values: Values): Promise<boolean> {
    for (let mine: Values | undefined = values; mine;) {
      const [{ user, etag }, base, sent] = [this.loaded(), this.base(), this.values()];
      if (!(await this.sure(base, mine))) return false;
      const body = updateOf(base, mine);
      try {
        const response = await firstValueFrom(
          this.users.updateUser$Response({ id: user.id, 'If-Match': etag, body }),
        );
        this.adopt(loadedFrom(response), sent);
        return true;
      } catch (error) {
        const { code } = problemOf(error);
        if (code === 'CURRENT_PASSWORD_REQUIRED' && mine.email !== base.email) {
          mine = await this.requestOwnAddress(mine, base);
        } else if (code === 'PRECONDITION_FAILED') {
          mine = await this.resolve(mine, base);
        } else {
          throw error;
        }
      }
    }
    return false;
  }

  /** Show the account as the server saved it, except for what was typed since it was sent. */
  private adopt(loaded: Loaded | undefined, sent: Values): void {
    if (!loaded) return;
    const now = this.values();
    this.loaded.set(loaded);
    this.form().reset(take(changedFields(sent, now), now, valuesOf(loaded.user)));
    if (!this.own()) return;
    if (loaded.user.is_active) this.session.update(loaded.user);
    else this.session.end(); // the server ended all sessions
  }

  /** Ask before an administrator takes away their own access. */
  private async sure(base: Values, mine: Values): Promise<boolean> {
    const loses = changedFields(base, mine).some(
      (field) => (field === 'is_superuser' || field === 'is_active') && !mine[field],
    );
    return !this.own() || !loses || this.confirm.ask({ ...this.t().ownAccess, danger: true });
  }

  /** Request the change of one's own address, which needs the password. Return the other changes. */
  private async requestOwnAddress(mine: Values, base: Values): Promise<Values | undefined> {
    const dialog = this.dialogs.open<OwnAddress, string, boolean>(OwnAddress, {
      data: mine.email,
      width: '28rem',
    });
    if (!(await firstValueFrom(dialog.afterClosed()))) return undefined;
    this.notices.say(this.t().confirmAddress(mine.email));
    const rest = { ...mine, email: base.email };
    this.values.set(rest);
    return changedFields(base, rest).length ? rest : undefined;
  }

  /** Read the account again, and let the administrator choose between the values. */
  private async resolve(mine: Values, base: Values): Promise<Values | undefined> {
    const id = this.loaded().user.id;
    const now = loadedFrom(await firstValueFrom(this.users.getUser$Response({ id })));
    if (!now) return undefined;
    const current = valuesOf(now.user);
    const fields = FIELDS.filter((field) => !same(mine[field], current[field]));
    let merged: Values | undefined = mine;
    if (changedFields(base, current).length && fields.length) {
      const differences = fields.map((field) => ({
        field,
        label: this.names()[field],
        base: this.show(base[field]),
        mine: this.show(mine[field]),
        current: this.show(current[field]),
      }));
      const kept = await resolveConflict(this.dialogs, texts().conflict.title, differences);
      const ours = fields.filter((field) => kept?.includes(field));
      merged = kept && take(ours, mine, current);
    }
    if (!merged) return undefined; // the form keeps what was typed, and its tag: saving again asks again
    this.loaded.set(now);
    this.values.set(merged);
    return merged;
  }
  private show(value: Values[Field]): string {
    const { yes, no } = texts().conflict;
    if (typeof value === 'boolean') return value ? yes : no;
    return typeof value === 'string' ? value : value.join(', ');
  }
}
