import { Component, computed, effect, inject, input, signal } from '@angular/core';
import { MatButton } from '@angular/material/button';
import { Router, RouterLink } from '@angular/router';
import { firstValueFrom } from 'rxjs';

import { listNotifications } from '../api/fn/notifications/list-notifications';
import { showPreferences } from '../api/fn/notifications/show-preferences';
import type { Notice } from '../api/models';
import { NotificationsService } from '../api/services';
import { refreshOn } from '../kernel/live';
import { Notices } from '../kernel/notices';
import { problemOf } from '../kernel/problem';
import { firstText, queryChanger } from '../kernel/query';
import { lastValue, read, readList } from '../kernel/read';
import { now } from '../kernel/time';
import { Confirm } from '../ui/confirm';
import { Cover } from '../ui/cover';
import { Chip, Choice, Filters } from '../ui/filters';
import { Icon } from '../ui/icon';
import { AppList } from '../ui/list';
import { Page } from '../ui/page';
import { Empty } from '../ui/states';
import { Time } from '../ui/time';
import { targetOf } from './target';
import { groupName, groupOf, t as texts } from './texts';

const PAGE = 20;
const MOST = 100; // ids of one request
const LONG = 220; // characters
const LINES = 2;

/** The notifications of the person. The filters are in the address. What is shown is marked as seen. */
@Component({
  selector: 'app-notice-list',
  imports: [AppList, Chip, Choice, Cover, Empty, Filters, Icon, MatButton, Page, RouterLink, Time],
  templateUrl: './notice-list.html',
  styleUrls: ['./notice.scss', './notice-list.scss'],
})
export class NoticeList {
  readonly unread = input(undefined, { transform: firstText });
  readonly kind = input(undefined, { transform: firstText });

  private readonly service = inject(NotificationsService);
  private readonly notices = inject(Notices);
  private readonly confirm = inject(Confirm);
  private readonly router = inject(Router);
  protected readonly change = queryChanger();
  protected readonly all = texts;
  protected readonly t = computed(() => texts().list);
  protected readonly isUnread = computed(() => this.unread() === 'true');
  protected readonly filtered = computed(() => this.isUnread() || !!this.kind());

  protected readonly list = readList(listNotifications, () => ({
    unread: this.isUnread() || undefined,
    kind: this.kind(), // the server refuses a malformed one, and the page says so
    limit: PAGE,
  }));
  private readonly preferences = lastValue(read(showPreferences, () => ({})));
  protected readonly kinds = computed(() => {
    const groups = new Set((this.preferences()?.switches ?? []).map(({ group }) => group));
    return [
      ['', this.t().anyKind] as const,
      ...[...groups].map((group) => [group, groupName(group)] as const),
    ];
  });
  protected readonly unreadShown = computed(() => (this.list.items() ?? []).filter((each) => !each.read_at));
  protected readonly full = signal<ReadonlySet<string>>(new Set());
  protected readonly busy = signal(false);
  protected readonly groupOf = (notice: Notice): string => groupName(groupOf(notice.kind));
  protected readonly target = (notice: Notice) => targetOf(this.router, notice);

  constructor() {
    refreshOn(['notifications.*'], this.list, ({ own }) => own);
    const seen = new Set<string>();
    effect(() => {
      const ids = (this.list.items() ?? []).filter((each) => !each.seen_at).map(({ id }) => id);
      const fresh = ids.filter((id) => !seen.has(id));
      for (const id of fresh) seen.add(id);
      for (const part of parts(fresh))
        this.service.seeNotifications({ body: { ids: part } }).subscribe({
          error: () => part.forEach((id) => seen.delete(id)), // the next reading tries again
        });
    });
  }

  protected isLong({ text }: Notice): boolean {
    return text.length > LONG || text.split('\n', LINES + 1).length > LINES;
  }

  protected unfold({ id }: Notice): void {
    this.full.update((ids) =>
      ids.has(id) ? new Set([...ids].filter((each) => each !== id)) : new Set([...ids, id]),
    );
  }

  protected toggleUnread(): void {
    this.change({ unread: this.isUnread() ? null : 'true' });
  }

  protected clear(): void {
    this.change({ unread: null, kind: null });
  }

  protected open(notice: Notice): void {
    if (!notice.read_at) void this.mark(notice, true);
  }

  protected async mark(notice: Notice, isRead: boolean): Promise<void> {
    this.put({ ...notice, read_at: isRead ? new Date(now()).toISOString() : null });
    try {
      this.put(
        await firstValueFrom(this.service.changeNotification({ id: notice.id, body: { is_read: isRead } })),
      );
    } catch (error) {
      this.put(notice);
      this.notices.fail(error);
    }
  }

  /** Mark what is shown: those on later pages, and those that arrive meanwhile, stay unread. */
  protected async markShown(): Promise<void> {
    this.busy.set(true);
    const before = this.unreadShown();
    try {
      for (const part of parts(before.map(({ id }) => id)))
        await firstValueFrom(this.service.readNotifications({ body: { ids: part } }));
      const at = new Date(now()).toISOString();
      const ids = new Set(before.map(({ id }) => id));
      this.list.update((items) => items.map((each) => (ids.has(each.id) ? { ...each, read_at: at } : each)));
    } catch (error) {
      this.notices.fail(error);
      this.list.refresh();
    } finally {
      this.busy.set(false);
    }
  }

  protected async remove({ id }: Notice): Promise<void> {
    if (!(await this.confirm.ask({ ...this.t().confirm, danger: true }))) return;
    try {
      await firstValueFrom(this.service.deleteNotification({ id }));
    } catch (error) {
      if (problemOf(error).status !== 404) {
        this.notices.fail(error);
        return;
      }
    }
    this.list.update((items) => items.filter((each) => each.id !== id));
    this.notices.say(this.t().deleted);
  }

  private put(notice: Notice): void {
    this.list.update((items) => items.map((each) => (each.id === notice.id ? notice : each)));
  }
}

function* parts(ids: readonly string[]): Generator<string[]> {
  for (let start = 0; start < ids.length; start += MOST) yield ids.slice(start, start + MOST);
}
