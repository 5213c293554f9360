import { Component, computed, inject, signal } from '@angular/core';
import { MatButton } from '@angular/material/button';
import { RouterLink } from '@angular/router';
import { firstValueFrom } from 'rxjs';

import { listExports } from '../api/fn/personal/list-exports';
import type { Export } from '../api/models';
import { PersonalService } from '../api/services';
import { language, locale } from '../kernel/language';
import { refreshOn } from '../kernel/live';
import { Notices } from '../kernel/notices';
import { lastValue, read } from '../kernel/read';
import { refreshEvery } from '../kernel/refresh';
import { Session } from '../kernel/session';
import { exactDay, exactTime } from '../kernel/time';
import { Icon } from '../ui/icon';
import { Page } from '../ui/page';
import { Empty, Failure, Skeleton } from '../ui/states';
import { Time } from '../ui/time';
import { t } from './texts';

const PREPARING_SECONDS = 30;

@Component({
  selector: 'app-exports',
  imports: [Empty, Failure, Icon, MatButton, Page, RouterLink, Skeleton, Time],
  templateUrl: './exports.html',
  styleUrl: './exports.scss',
})
export class Exports {
  private readonly service = inject(PersonalService);
  private readonly notices = inject(Notices);
  private readonly session = inject(Session);
  protected readonly t = t;
  protected readonly language = language;

  protected readonly list = read(listExports, () => ({}));
  protected readonly exports = lastValue(this.list);
  protected readonly requesting = signal(false);
  protected readonly verified = computed(() => this.session.user()?.is_verified ?? true);
  private started: HTMLAnchorElement | undefined;

  constructor() {
    refreshOn(['personal.*', 'personal.exports'], this.list, ({ own }) => own);
    refreshEvery(PREPARING_SECONDS, () => {
      // A hint may be lost.
      if (this.exports()?.items.some(({ state }) => state === 'preparing')) this.list.reload();
    });
  }

  protected async request(): Promise<void> {
    this.requesting.set(true);
    try {
      const made = await firstValueFrom(this.service.requestExport());
      this.list.update((before) => before && { ...before, items: [made, ...before.items] });
      this.notices.say(t().requested);
    } catch (error) {
      this.notices.fail(error);
    } finally {
      this.requesting.set(false);
    }
  }

  /** Let the browser download, once a request has renewed the session if that is needed. */
  protected async download(event: Event): Promise<void> {
    const link = event.currentTarget;
    if (!(link instanceof HTMLAnchorElement) || this.started === link) {
      this.started = undefined;
      return;
    }
    event.preventDefault();
    try {
      await firstValueFrom(this.service.listExports());
      this.started = link;
      link.click();
    } catch (error) {
      this.notices.fail(error);
    }
  }

  protected address({ id }: Export): string {
    return `/api/users/me/exports/${id}/download`;
  }

  protected day(at: string): string {
    return exactDay(at);
  }

  protected time(at: string): string {
    return exactTime(at);
  }

  protected size({ size }: Export): string {
    if (size === null) return t().large;
    const [unit, value] =
      size < 1e6 ? (['kilobyte', size / 1e3] as const) : (['megabyte', size / 1e6] as const);
    const options = { style: 'unit', unit, maximumSignificantDigits: 2 } as const;
    return new Intl.NumberFormat(locale(), options).format(value);
  }
}
