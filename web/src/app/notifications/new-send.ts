import { Component, computed, inject, signal } from '@angular/core';
import { applyWhen, form, FormField, FormRoot, required, validate } from '@angular/forms/signals';
import { MatButton } from '@angular/material/button';
import { Router, RouterLink } from '@angular/router';
import { firstValueFrom } from 'rxjs';

import { showPreferences } from '../api/fn/notifications/show-preferences';
import type { NewNotification, NotificationJob } from '../api/models';
import { NotificationsService } from '../api/services';
import { Notices } from '../kernel/notices';
import { lastValue, read } from '../kernel/read';
import { isRefused, newKey, withKey } from '../kernel/repetition';
import { firstError, submit } from '../kernel/submit';
import { keepTyped } from '../kernel/typed';
import { Confirm } from '../ui/confirm';
import { AppField } from '../ui/field';
import { FormError } from '../ui/form-error';
import { Icon } from '../ui/icon';
import { Page } from '../ui/page';
import { PeoplePicker } from '../ui/people-picker';
import type { Choice } from '../ui/person-picker';
import { SendPreview } from './send-preview';
import { t as texts } from './send-texts';

const AUDIENCES = ['accounts', 'role', 'everyone'] as const;
const MOST = 1000;
const NAMED = 3; // addresses in the confirmation
const OWN_GROUPS: readonly string[] = ['security', 'account']; // which only the server sends

interface Values {
  readonly audience: (typeof AUDIENCES)[number];
  readonly user_ids: readonly Choice[];
  readonly role: string;
  readonly kind: string;
  readonly subject: string;
  readonly text: string;
  readonly link: string;
}

/** A request that may have been done, and its key: a repetition of the same one is done once. */
interface Attempt {
  readonly of: string;
  readonly key: string;
}

interface Kept {
  readonly values: Values;
  readonly attempt: Attempt | null;
}

const EMPTY: Values = {
  audience: 'accounts',
  user_ids: [],
  role: '',
  kind: 'product.message',
  subject: '',
  text: '',
  link: '',
};

/** The form that sends a notification to chosen people, to a role or to everyone. */
@Component({
  selector: 'app-new-send',
  imports: [
    AppField,
    FormError,
    FormField,
    FormRoot,
    Icon,
    MatButton,
    Page,
    PeoplePicker,
    RouterLink,
    SendPreview,
  ],
  templateUrl: './new-send.html',
  styleUrls: ['../ui/back.scss', '../ui/options.scss', './new-send.scss'],
})
export class NewSend {
  private readonly service = inject(NotificationsService);
  private readonly notices = inject(Notices);
  private readonly confirm = inject(Confirm);
  private readonly router = inject(Router);
  protected readonly all = texts;
  protected readonly t = computed(() => texts().form);
  protected readonly AUDIENCES = AUDIENCES;

  private readonly preferences = lastValue(read(showPreferences, () => ({})));
  protected readonly groups = computed(() => {
    const groups = new Set((this.preferences()?.switches ?? []).map(({ group }) => group));
    return [...groups].filter((group) => !OWN_GROUPS.includes(group)).join(', ') || 'product';
  });

  private readonly kept: Kept | null = keepTyped<Kept>('send', () =>
    this.isDone ? null : { values: this.values(), attempt: this.attempt() },
  );
  private isDone = false;
  private readonly attempt = signal<Attempt | null>(this.kept?.attempt ?? null);
  private readonly values = signal<Values>(this.kept?.values ?? EMPTY);
  /** Whether what the form contains may have been sent already. */
  protected readonly isOpen = computed(() => {
    const attempt = this.attempt();
    return (
      attempt !== null && !this.form().submitting() && attempt.of === JSON.stringify(bodyOf(this.values()))
    );
  });
  /** The audience that has no account. */
  private readonly empty = signal<string | null>(null);
  protected readonly form = form(
    this.values,
    (path) => {
      validate(path.audience, ({ value }) =>
        value() === 'everyone' && this.empty() === 'everyone'
          ? { kind: 'empty', message: this.t().everyoneEmpty }
          : undefined,
      );
      applyWhen(
        path,
        ({ value }) => value().audience === 'accounts',
        (named) =>
          validate(named.user_ids, ({ value }) => {
            const { length } = value();
            if (!length) return { kind: 'required', message: this.t().nobody };
            return length > MOST ? { kind: 'many', message: this.t().tooMany } : undefined;
          }),
      );
      applyWhen(
        path,
        ({ value }) => value().audience === 'role',
        (named) => {
          required(named.role);
          validate(named.role, ({ value }) =>
            value().trim() && this.empty() === value().trim()
              ? { kind: 'empty', message: this.t().roleEmpty(value().trim()) }
              : undefined,
          );
        },
      );
      required(path.kind);
      required(path.subject);
      required(path.text);
      validate(path.subject, ({ value }) =>
        Array.from(value().trim()).length > 150 ? { kind: 'long', message: this.t().subjectLong } : undefined,
      );
      validate(path.text, ({ value }) =>
        Array.from(value()).length > 10_000 ? { kind: 'long', message: this.t().textLong } : undefined,
      );
      validate(path.link, ({ value }) =>
        /^(\/(?!\/)|\s*$)/.test(value().trim()) ? undefined : { kind: 'form', message: this.t().linkForm },
      );
    },
    {
      submission: submit({
        send: (values: Values) => this.send(values),
        done: (job) => (job ? this.leave(job) : undefined),
      }),
    },
  );
  /** What the server found at single people, by their places. */
  protected readonly faults = computed(() => {
    const found: Record<number, string> = {};
    for (const place of this.values().user_ids.keys()) {
      const message = firstError(this.form.user_ids[place]?.().errors() ?? [])?.message;
      if (message) found[place] = message;
    }
    return found;
  });

  /** Ask, and send. Return the job; null if there is no recipient or the person decided otherwise. */
  private async send(values: Values): Promise<NotificationJob | null> {
    const total = await this.count(values);
    if (!total) {
      this.empty.set(values.audience === 'role' ? values.role.trim() : 'everyone');
      (values.audience === 'role' ? this.form.role : this.form.audience)().focusBoundControl();
      return null;
    }
    const { title, text, action } = this.t().confirm;
    const question = {
      title: title(total),
      text: text(values.subject.trim(), this.recipients(values)),
      action,
    };
    if (!(await this.confirm.ask(question))) return null;
    const body = bodyOf(values);
    const of = JSON.stringify(body);
    const before = this.attempt();
    const attempt = before?.of === of ? before : { of, key: newKey() };
    this.attempt.set(attempt);
    try {
      return await firstValueFrom(this.service.sendNotification({ body }, withKey(attempt.key)));
    } catch (error) {
      if (isRefused(error)) this.attempt.set(null);
      throw error;
    }
  }

  private async count({ audience, user_ids, role }: Values): Promise<number> {
    if (audience === 'accounts') return user_ids.length;
    const params = audience === 'role' ? { role: role.trim() } : {};
    return (await firstValueFrom(this.service.countAudience(params))).total;
  }

  private recipients({ audience, user_ids, role }: Values): string {
    const { some, role: ofRole, everyone } = this.t().confirm;
    if (audience === 'role') return ofRole(role.trim());
    if (audience === 'everyone') return everyone;
    const names = user_ids.slice(0, NAMED).map(({ email }) => email);
    return some(names.join(', '), user_ids.length - names.length);
  }

  private async leave({ state, total }: NotificationJob): Promise<void> {
    this.isDone = true;
    this.notices.say(state === 'done' ? this.t().sent(total) : this.t().sending(total));
    await this.router.navigate(['/sends']);
  }
}

function bodyOf({ audience, user_ids, role, kind, subject, text, link }: Values): NewNotification {
  const content = { kind: kind.trim(), subject: subject.trim(), text, link: link.trim() || null };
  if (audience === 'role') return { ...content, role: role.trim() };
  if (audience === 'everyone') return { ...content, everyone: true };
  return { ...content, user_ids: user_ids.map(({ id }) => id) };
}
