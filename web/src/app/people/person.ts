import { Component, computed, inject, input, linkedSignal, signal } from '@angular/core';
import { MatButton } from '@angular/material/button';
import { MatDialog } from '@angular/material/dialog';
import { Router, RouterLink } from '@angular/router';
import { firstValueFrom, Observable } from 'rxjs';

import { getUser } from '../api/fn/users/get-user';
import type { User } from '../api/models';
import { SessionsService, UsersService } from '../api/services';
import { Notices } from '../kernel/notices';
import { problemOf } from '../kernel/problem';
import { read } from '../kernel/read';
import { Session } from '../kernel/session';
import { Confirm } from '../ui/confirm';
import { Copyable } from '../ui/copyable';
import { Icon } from '../ui/icon';
import { Page } from '../ui/page';
import { Failure, Skeleton } from '../ui/states';
import { Time } from '../ui/time';
import { Badges } from './badges';
import { DeletePerson } from './delete';
import { t as formTexts } from './form-texts';
import { loadedFrom, PersonForm } from './person-form';
import { t as texts } from './texts';
import type { Loaded } from './values';

@Component({
  selector: 'app-person',
  imports: [Badges, Copyable, Failure, Icon, MatButton, Page, PersonForm, RouterLink, Skeleton, Time],
  templateUrl: './person.html',
  styleUrls: ['../ui/back.scss', './person.scss'],
})
export class Person {
  readonly id = input.required<string>();

  private readonly users = inject(UsersService);
  private readonly sessions = inject(SessionsService);
  private readonly session = inject(Session);
  private readonly notices = inject(Notices);
  private readonly confirm = inject(Confirm);
  private readonly dialogs = inject(MatDialog);
  private readonly router = inject(Router);
  protected readonly t = computed(() => texts().person);

  protected readonly person = read(getUser, () => ({ id: this.id() }));
  /** The account as it was read, and after each change of this page. */
  protected readonly loaded = linkedSignal<Loaded | undefined>(() => {
    if (!this.person.hasValue()) return undefined;
    const [user, headers] = [this.person.value(), this.person.headers()];
    return { user, etag: headers?.get('ETag') ?? undefined };
  });
  protected readonly heading = computed(() => {
    const user = this.loaded()?.user;
    return user ? (user.name ?? user.email) : this.t().heading;
  });
  protected readonly busy = signal(false);

  protected isOwn(user: User): boolean {
    return this.session.user()?.id === user.id;
  }

  protected put(loaded: Loaded): void {
    this.loaded.set(loaded);
  }

  protected async activate(user: User, active: boolean): Promise<void> {
    const own = this.isOwn(user);
    if (own && !active && !(await this.confirm.ask({ ...formTexts().form.ownAccess, danger: true }))) return;
    await this.act(async () => {
      const response = await firstValueFrom(
        this.users.updateUser$Response({ id: user.id, body: { is_active: active } }),
      );
      const loaded = loadedFrom(response);
      // The page may show another person when this is taken back.
      if (loaded && this.id() === user.id) this.loaded.set(loaded);
      if (own && !active) {
        this.session.end(); // the server ended all sessions
        return;
      }
      const { undo, activated, deactivated } = this.t();
      const name = user.name ?? user.email;
      this.notices.offer(active ? activated(name) : deactivated(name), undo, () => {
        void this.activate(user, !active);
      });
    });
  }

  protected async endSessions(user: User): Promise<void> {
    const { title, text, action, done } = this.t().endSessions;
    const question = { title, text: text(user.email), action, danger: true };
    if (!(await this.confirm.ask(question))) return;
    await this.act(async () => {
      await this.send(this.users.revokeUserSessions({ id: user.id }), done);
      if (this.isOwn(user)) this.session.end();
    });
  }

  protected async unlock(user: User): Promise<void> {
    await this.act(() => this.send(this.sessions.unlockUser({ id: user.id }), this.t().unlock.done));
  }

  protected async remove(user: User): Promise<void> {
    const own = this.isOwn(user);
    const dialog = this.dialogs.open<DeletePerson, User, boolean>(DeletePerson, {
      data: user,
      width: '30rem',
      maxWidth: '94vw',
    });
    if (!(await firstValueFrom(dialog.afterClosed()))) return;
    if (own) {
      this.session.end(); // the server ended all sessions
      return;
    }
    this.notices.say(this.t().remove.done(user.email));
    await this.router.navigate(['/people']);
  }

  private async send(request: Observable<unknown>, done: string): Promise<void> {
    await firstValueFrom(request, { defaultValue: undefined });
    this.notices.say(done);
  }

  private async act(action: () => Promise<void>): Promise<void> {
    this.busy.set(true);
    try {
      await action();
    } catch (error) {
      this.notices.fail(error);
      if (problemOf(error).status === 404) this.person.reload();
    } finally {
      this.busy.set(false);
    }
  }
}
