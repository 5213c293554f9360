import { Component, computed, effect, inject, signal } from '@angular/core';
import { MatButton } from '@angular/material/button';
import { RouterLink } from '@angular/router';
import { firstValueFrom } from 'rxjs';

import { listJobs } from '../api/fn/notifications/list-jobs';
import type { NotificationJob } from '../api/models';
import { NotificationsService } from '../api/services';
import { refreshOn } from '../kernel/live';
import { Notices } from '../kernel/notices';
import { readList } from '../kernel/read';
import { refreshEvery } from '../kernel/refresh';
import { Confirm } from '../ui/confirm';
import { AppList } from '../ui/list';
import { Page } from '../ui/page';
import { Empty } from '../ui/states';
import { Time } from '../ui/time';
import { t as texts } from './send-texts';
import './texts'; // what refusals say

const LOOKS: Readonly<Record<NotificationJob['state'], string>> = {
  running: '',
  done: 'good',
  cancelled: 'caution',
};

/** What was sent, and the progress of what is being sent. The server has both, so a reload shows the same. */
@Component({
  selector: 'app-send-list',
  imports: [AppList, Empty, MatButton, Page, RouterLink, Time],
  templateUrl: './send-list.html',
  styles: `
    progress {
      display: block;
      inline-size: min(100%, 20rem);
      margin-block: 0.375rem;
      accent-color: var(--mat-sys-primary);
    }
  `,
})
export class SendList {
  private readonly service = inject(NotificationsService);
  private readonly notices = inject(Notices);
  private readonly confirm = inject(Confirm);
  protected readonly all = texts;
  protected readonly t = computed(() => texts().list);
  protected readonly LOOKS = LOOKS;
  protected readonly list = readList(listJobs, () => ({}));
  protected readonly busy = signal<string | null>(null);
  /** For screen readers: the send that has just ended. */
  protected readonly announced = signal('');
  private readonly running = computed(() =>
    (this.list.items() ?? []).filter(({ state }) => state === 'running'),
  );

  constructor() {
    refreshOn(['notifications.sent', 'notifications.send_cancelled'], this.list);
    refreshEvery(2, () => {
      if (this.running().length) this.list.refresh(); // the progress is no event
    });
    let before: readonly string[] = [];
    effect(() => {
      const ended = (this.list.items() ?? []).find(
        ({ id, state }) => state === 'done' && before.includes(id),
      );
      if (ended) this.announced.set(this.t().ended(this.title(ended)));
      before = this.running().map(({ id }) => id);
    });
  }

  protected title({ subject }: NotificationJob): string {
    return subject ?? this.t().untitled;
  }

  protected audience({ audience, role }: NotificationJob): string {
    const { accounts, role: ofRole, everyone } = this.t().audiences;
    if (audience === 'role') return ofRole(role ?? '');
    return audience === 'everyone' ? everyone : accounts;
  }

  protected async cancel(job: NotificationJob): Promise<void> {
    const question = this.t().confirm(this.title(job), job.total - job.notified);
    if (!(await this.confirm.ask({ ...question, danger: true }))) return;
    this.busy.set(job.id);
    try {
      const now = await firstValueFrom(this.service.cancelJob({ id: job.id }));
      this.list.update((items) => items.map((each) => (each.id === now.id ? now : each)));
      this.notices.say(this.t().cancelled);
    } catch (error) {
      this.notices.fail(error);
      this.list.refresh();
    }
    this.busy.set(null);
  }
}
