import { Component, computed, effect, ElementRef, inject, signal, viewChild } from '@angular/core';
import { form, FormField, FormRoot } from '@angular/forms/signals';
import { MatButton } from '@angular/material/button';
import { RouterLink } from '@angular/router';
import { firstValueFrom } from 'rxjs';

import { getMe } from '../api/fn/users/get-me';
import type { User } from '../api/models';
import { UsersService } from '../api/services';
import { Notices } from '../kernel/notices';
import { problemOf } from '../kernel/problem';
import { read } from '../kernel/read';
import { Session } from '../kernel/session';
import { submit } from '../kernel/submit';
import { keepTyped } from '../kernel/typed';
import { Copyable } from '../ui/copyable';
import { AppField } from '../ui/field';
import { FormError } from '../ui/form-error';
import { Icon } from '../ui/icon';
import { Page } from '../ui/page';
import { personName } from '../ui/rules';
import { Failure, Skeleton } from '../ui/states';
import { Time } from '../ui/time';
import { t as texts } from './texts';

/** The name. A change that was made elsewhere since it was read is shown beside this one (If-Match, RFC 9110). */
@Component({
  selector: 'app-profile',
  imports: [
    AppField,
    Copyable,
    Failure,
    FormError,
    FormField,
    FormRoot,
    Icon,
    MatButton,
    Page,
    RouterLink,
    Skeleton,
    Time,
  ],
  templateUrl: './profile.html',
  styleUrl: './account.scss',
})
export class Profile {
  private readonly users = inject(UsersService);
  private readonly session = inject(Session);
  private readonly notices = inject(Notices);
  private readonly panel = viewChild<ElementRef<HTMLElement>>('conflict');
  protected readonly t = computed(() => texts().profile);

  protected readonly account = read(getMe, () => ({}));
  /** The stored state that the form started from. */
  private readonly base = signal<{ name: string | null; tag: string | undefined } | undefined>(undefined);
  protected readonly stored = computed(() => (this.account.hasValue() ? this.account.value() : undefined));
  /** The name that was stored elsewhere in the meantime, and the one that was to be stored. */
  protected readonly conflict = signal<{ theirs: string | null; mine: string | null } | null>(null);

  private readonly typed = keepTyped('profile', () => {
    const { name } = this.model();
    return this.base() && name !== (this.base()?.name ?? '') ? name : null;
  });
  private readonly model = signal({ name: '' });
  protected readonly form = form(this.model, (path) => personName(path.name), {
    submission: submit({
      send: ({ name }) => this.store(name.trim() || null),
      fields: { VALIDATION_FAILED: 'name' },
      failed: ({ status }) => status === 412 && this.conflict() !== null,
    }),
  });

  constructor() {
    effect(() => {
      const user = this.stored();
      if (!user || this.base()) return;
      this.base.set({ name: user.name, tag: this.account.headers()?.get('ETag') ?? undefined });
      this.model.set({ name: this.typed ?? user.name ?? '' });
    });
    effect(() => this.panel()?.nativeElement.focus());
  }

  protected async overwrite(): Promise<void> {
    const conflict = this.conflict();
    if (!conflict) return;
    this.conflict.set(null);
    try {
      await this.store(conflict.mine);
    } catch (error) {
      if (!this.conflict()) this.notices.fail(error);
    }
  }

  protected keepTheirs(): void {
    this.model.set({ name: this.conflict()?.theirs ?? '' });
    this.conflict.set(null);
    this.form.name().focusBoundControl();
  }

  private async store(name: string | null): Promise<void> {
    const before = this.base();
    try {
      await this.send(name);
    } catch (error) {
      if (!(await this.isOtherChange(error, before?.name, name))) throw error;
      await this.send(name);
    }
    this.conflict.set(null);
    const previous = before?.name ?? null;
    if (previous === name) this.notices.say(this.t().saved);
    else this.notices.offer(this.t().saved, this.t().undo, () => void this.restore(previous));
  }

  private async restore(name: string | null): Promise<void> {
    try {
      await this.send(name);
      this.notices.say(this.t().restored);
    } catch (error) {
      this.notices.fail(error);
      if (problemOf(error).status === 412) await this.refresh();
    }
  }

  /** Show the account as it is stored. */
  private async refresh(): Promise<void> {
    const { body, headers } = await firstValueFrom(this.users.getMe$Response());
    this.show(body, headers.get('ETag'));
  }

  private async send(name: string | null): Promise<void> {
    const answer = await firstValueFrom(
      this.users.updateMe$Response({ 'If-Match': this.base()?.tag, body: { name } }),
    );
    this.show(answer.body, answer.headers.get('ETag'));
  }

  /**
   * Read the account again after a 412. Return true if the name is as it was, so that only another field was changed;
   * otherwise show both names.
   */
  private async isOtherChange(
    error: unknown,
    known: string | null | undefined,
    mine: string | null,
  ): Promise<boolean> {
    if (problemOf(error).status !== 412) return false;
    const { body, headers } = await firstValueFrom(this.users.getMe$Response());
    if (body.id !== this.session.user()?.id) {
      await this.session.recheck(true); // another account has signed in, out of sight of this tab
      return false;
    }
    this.base.set({ name: body.name, tag: headers.get('ETag') ?? undefined });
    this.session.update(body);
    if (body.name === known || body.name === mine) return true;
    this.conflict.set({ theirs: body.name, mine });
    return false;
  }

  private show(user: User, tag: string | null): void {
    this.base.set({ name: user.name, tag: tag ?? undefined });
    this.account.set(user);
    this.model.set({ name: user.name ?? '' });
    this.session.update(user);
  }
}
