import { CdkTrapFocus } from '@angular/cdk/a11y';
import { Component, computed, effect, inject, output } from '@angular/core';
import { Router, RouterLink } from '@angular/router';
import { firstValueFrom } from 'rxjs';

import { listNotifications } from '../api/fn/notifications/list-notifications';
import type { Notice } from '../api/models';
import { NotificationsService } from '../api/services';
import { refreshOn } from '../kernel/live';
import { Notices } from '../kernel/notices';
import { readList } from '../kernel/read';
import { now } from '../kernel/time';
import { Cover } from '../ui/cover';
import { Icon } from '../ui/icon';
import { Empty, Failure, Skeleton } from '../ui/states';
import { Time } from '../ui/time';
import { targetOf } from './target';
import { groupName, groupOf, t } from './texts';

const SHOWN = 8;

/** The newest notifications. What it shows is marked as seen. */
@Component({
  selector: 'app-notice-panel',
  imports: [CdkTrapFocus, Cover, Empty, Failure, Icon, RouterLink, Skeleton, Time],
  templateUrl: './panel.html',
  styleUrls: ['./notice.scss', './panel.scss'],
})
export class Panel {
  /** Emits when the person goes to a page. */
  readonly left = output();

  private readonly service = inject(NotificationsService);
  private readonly notices = inject(Notices);
  private readonly router = inject(Router);
  protected readonly t = t;
  protected readonly list = readList(listNotifications, () => ({ limit: SHOWN }));
  protected readonly items = computed(() => this.list.items()?.slice(0, SHOWN));
  protected readonly hasUnread = computed(() => this.items()?.some((each) => !each.read_at) ?? false);
  protected readonly groupOf = (notice: Notice): string => groupName(groupOf(notice.kind));

  constructor() {
    refreshOn(['notifications.*'], this.list, ({ own }) => own);
    let seen = 0;
    effect(() => {
      const newest = this.items()?.find((each) => !each.seen_at);
      if (!newest || newest.number <= seen) return;
      seen = newest.number;
      this.service.seeNotifications({ body: { up_to: newest.id } }).subscribe({ error: () => (seen = 0) });
    });
  }

  protected readonly target = (notice: Notice) =>
    targetOf(this.router, notice) ?? this.router.parseUrl('/notifications');

  protected open(notice: Notice): void {
    if (!notice.read_at)
      this.service.changeNotification({ id: notice.id, body: { is_read: true } }).subscribe({
        error: () => undefined, // it stays unread
      });
    this.left.emit();
  }

  /** Mark all up to the newest one that is shown: those that arrive meanwhile stay unread. */
  protected async markAll(): Promise<void> {
    const [newest] = this.items() ?? [];
    if (!newest) return;
    const before = this.list.items() ?? [];
    const at = new Date(now()).toISOString();
    this.list.update((items) => items.map((each) => ({ ...each, read_at: each.read_at ?? at })));
    try {
      await firstValueFrom(this.service.readNotifications({ body: { up_to: newest.id } }));
    } catch (error) {
      this.list.update(() => before);
      this.notices.fail(error);
    }
  }
}
