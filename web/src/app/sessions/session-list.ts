import { Component, computed, ElementRef, inject, signal, viewChild } from '@angular/core';
import { MatButton } from '@angular/material/button';
import { firstValueFrom } from 'rxjs';

import { listSessions } from '../api/fn/sessions/list-sessions';
import type { Session as Entry } from '../api/models';
import { SessionsService } from '../api/services';
import { isHandheld, nameDevice } from '../kernel/device';
import { refreshOn } from '../kernel/live';
import { Notices } from '../kernel/notices';
import { problemOf } from '../kernel/problem';
import { read } from '../kernel/read';
import { Confirm } from '../ui/confirm';
import { Icon } from '../ui/icon';
import { Page } from '../ui/page';
import { Failure, Skeleton } from '../ui/states';
import { Time } from '../ui/time';
import { t as texts } from './texts';

@Component({
  selector: 'app-session-list',
  imports: [Failure, Icon, MatButton, Page, Skeleton, Time],
  template: `
    <app-page [heading]="t().heading" [lead]="t().lead">
      @if (others()) {
        <button actions mat-stroked-button type="button" (click)="endOthers()">{{ t().others }}</button>
      }
      <div class="card">
        @if (sessions.error(); as error) {
          <app-failure [error]="error" (retry)="sessions.reload()" />
        } @else if (!sessions.hasValue()) {
          <app-skeleton [rows]="3" />
        } @else {
          <ul #list class="rows" tabindex="-1">
            @for (session of sessions.value(); track session.id) {
              <li>
                <app-icon
                  [name]="isHandheld(session.device ?? '') ? 'smartphone' : 'computer'"
                  class="quiet"
                />
                <div class="grow">
                  <div class="row">
                    <strong [attr.title]="session.device">{{ name(session) }}</strong>
                    @if (session.current) {
                      <span class="badge good">{{ t().current }}</span>
                    }
                  </div>
                  <p class="quiet small">
                    @if (session.address) {
                      {{ session.address }} ·
                    }
                    {{ t().signedIn }} <app-time [at]="session.created_at" /> · {{ t().lastSeen }}
                    <app-time [at]="session.last_seen_at" />
                  </p>
                </div>
                @if (!session.current) {
                  <button
                    mat-stroked-button
                    type="button"
                    [attr.aria-label]="t().endOf(name(session))"
                    [disabled]="ending().has(session.id)"
                    (click)="end(session)"
                  >
                    {{ t().end }}
                  </button>
                }
              </li>
            }
          </ul>
        }
      </div>
      @if (sessions.hasValue() && !others()) {
        <p class="quiet small alone">{{ t().alone }}</p>
      }
    </app-page>
  `,
  styles: `
    .alone {
      margin: 0.75rem 1.25rem;
    }
  `,
})
export class SessionList {
  private readonly service = inject(SessionsService);
  private readonly notices = inject(Notices);
  private readonly confirm = inject(Confirm);
  protected readonly t = computed(() => texts().list);

  protected readonly sessions = read(listSessions, () => ({}));
  protected readonly others = computed(
    () => this.sessions.hasValue() && this.sessions.value().some((each) => !each.current),
  );
  private readonly list = viewChild<ElementRef<HTMLElement>>('list');
  protected readonly ending = signal<ReadonlySet<string>>(new Set());

  protected readonly isHandheld = isHandheld;

  constructor() {
    refreshOn(['sessions.*'], this.sessions, ({ own }) => own);
  }

  protected name({ device }: Entry): string {
    return device ? nameDevice(device) : this.t().unknown;
  }

  protected async end(entry: Entry): Promise<void> {
    const { id } = entry;
    this.ending.update((ids) => new Set(ids).add(id));
    try {
      await this.revoke(id);
      this.sessions.update((before) => before?.filter((each) => each.id !== id));
      this.notices.say(this.t().ended(this.name(entry)));
      this.list()?.nativeElement.focus(); // the button has disappeared
    } catch (error) {
      this.notices.fail(error);
      this.sessions.reload();
    } finally {
      this.ending.update((ids) => new Set([...ids].filter((each) => each !== id)));
    }
  }

  private async revoke(id: string): Promise<void> {
    try {
      await firstValueFrom(this.service.revokeSession({ id }));
    } catch (error) {
      if (problemOf(error).status !== 404) throw error; // it had ended before
    }
  }

  protected async endOthers(): Promise<void> {
    if (!(await this.confirm.ask({ ...this.t().confirm, danger: true }))) return;
    try {
      await firstValueFrom(this.service.revokeOtherSessions());
      this.notices.say(this.t().othersEnded);
    } catch (error) {
      this.notices.fail(error);
    }
    this.sessions.reload();
  }
}
