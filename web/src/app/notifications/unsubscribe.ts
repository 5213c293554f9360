import { Component, computed, DestroyRef, inject, signal } from '@angular/core';
import { MatButton } from '@angular/material/button';
import { RouterLink } from '@angular/router';
import { firstValueFrom } from 'rxjs';

import { previewUnsubscribe } from '../api/fn/notifications/preview-unsubscribe';
import { NotificationsService } from '../api/services';
import { MailedLink } from '../kernel/mailed-link';
import { Notices } from '../kernel/notices';
import { problemOf } from '../kernel/problem';
import { read } from '../kernel/read';
import { Page } from '../ui/page';
import { Failure, Skeleton } from '../ui/states';
import { t as texts } from './preference-texts';
import { groupName } from './texts';

const PATH = '/unsubscribe';
type Outcome = 'missing' | 'done' | 'locked' | 'dead';

/** Behind the link in mails: says which mails it stops, and stops them when the button is pressed. */
@Component({
  selector: 'app-unsubscribe',
  imports: [Failure, MatButton, Page, RouterLink, Skeleton],
  template: `
    <div class="card">
      @if (state(); as state) {
        <app-page class="body" [heading]="t()[state]" [lead]="lead(state)">
          <a mat-flat-button routerLink="/account/notifications">{{ t().settings }}</a>
        </app-page>
      } @else if (preview.hasValue()) {
        <app-page class="body" [heading]="t().heading" [lead]="t().lead(names())">
          <p class="quiet small">{{ t().note }}</p>
          <div class="choices">
            <button mat-flat-button type="button" [disabled]="busy()" disabledInteractive (click)="stop()">
              {{ t().action }}
            </button>
            <a mat-stroked-button routerLink="/account/notifications">{{ t().settings }}</a>
          </div>
        </app-page>
      } @else {
        <app-page class="body" [heading]="t().heading">
          @if (preview.error(); as error) {
            <app-failure [error]="error" (retry)="preview.reload()" />
          } @else {
            <app-skeleton [rows]="3" />
          }
        </app-page>
      }
    </div>
  `,
  styles: `
    .body {
      display: block;
    }
    .body > a {
      inline-size: 100%;
    }
    .choices {
      display: grid;
      gap: 0.75rem;
      margin-block-start: 1.25rem;
    }
  `,
})
export class Unsubscribe {
  private readonly service = inject(NotificationsService);
  private readonly notices = inject(Notices);
  private readonly link = inject(MailedLink);
  protected readonly t = computed(() => texts().unsubscribe);

  private readonly token = computed(() => this.link.tokenFor(PATH));
  protected readonly preview = read(previewUnsubscribe, () => {
    const token = this.token();
    return token === null ? undefined : { token };
  });
  private readonly done = this.link.state(() => PATH, false);
  protected readonly busy = signal(false);
  protected readonly names = computed(() =>
    this.preview.hasValue() ? this.preview.value().groups.map(groupName).join(', ') : '',
  );
  protected readonly state = computed<Outcome | null>(() => {
    if (this.token() === null) return 'missing';
    if (this.done()) return 'done';
    const error = this.preview.error();
    if (!error) return null;
    const { code, status } = problemOf(error);
    if (code === 'NOTIFICATION_SWITCH_LOCKED') return 'locked';
    return status === 400 || status === 422 ? 'dead' : null;
  });

  constructor() {
    inject(DestroyRef).onDestroy(() => this.link.forget(PATH));
  }

  protected lead(state: Outcome): string {
    return state === 'done' ? this.t().doneText(this.names()) : this.t()[`${state}Text`];
  }

  protected async stop(): Promise<void> {
    const token = this.token();
    if (token === null || this.busy()) return;
    this.busy.set(true);
    try {
      await firstValueFrom(this.service.unsubscribe({ token }));
      this.done.set(true);
    } catch (error) {
      this.notices.fail(error);
      this.preview.reload();
    } finally {
      this.busy.set(false);
    }
  }
}
