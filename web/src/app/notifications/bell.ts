import { CdkConnectedOverlay, CdkOverlayOrigin, ConnectedPosition } from '@angular/cdk/overlay';
import { DOCUMENT } from '@angular/common';
import { Component, DestroyRef, effect, inject, signal } from '@angular/core';
import { Router } from '@angular/router';
import { firstValueFrom } from 'rxjs';

import { countNotifications } from '../api/fn/notifications/count-notifications';
import { NotificationsService } from '../api/services';
import { type Happening, Live, refreshOn } from '../kernel/live';
import { Notices } from '../kernel/notices';
import { lastValue, read } from '../kernel/read';
import { Icon } from '../ui/icon';
import { Panel } from './panel';
import { targetOf } from './target';
import { t } from './texts';

const MOST = 99; // of the badge
const GAP = 8; // px
const BELOW: readonly ConnectedPosition[] = [
  { originX: 'end', originY: 'bottom', overlayX: 'end', overlayY: 'top', offsetY: GAP },
  { originX: 'center', originY: 'bottom', overlayX: 'center', overlayY: 'top', offsetY: GAP },
];

/** The number of notifications that were not seen, and the newest ones on demand. */
@Component({
  selector: 'app-bell',
  imports: [CdkConnectedOverlay, CdkOverlayOrigin, Icon, Panel],
  template: `
    <button
      #origin="cdkOverlayOrigin"
      cdkOverlayOrigin
      type="button"
      class="icon-button"
      aria-haspopup="dialog"
      [attr.aria-expanded]="isOpen()"
      [attr.aria-label]="t().bell(unseen())"
      [attr.title]="t().heading"
      (click)="isOpen.set(!isOpen())"
    >
      <app-icon name="notifications" />
      @if (unseen(); as count) {
        <span class="count" aria-hidden="true">{{ count > MOST ? MOST + '+' : count }}</span>
      }
    </button>
    <span class="visually-hidden" aria-live="polite">{{ news() }}</span>
    <ng-template
      cdkConnectedOverlay
      [cdkConnectedOverlayOrigin]="origin"
      [cdkConnectedOverlayOpen]="isOpen()"
      [cdkConnectedOverlayPositions]="[...BELOW]"
      [cdkConnectedOverlayViewportMargin]="GAP"
      [cdkConnectedOverlayPush]="true"
      [cdkConnectedOverlayHasBackdrop]="true"
      cdkConnectedOverlayBackdropClass="cdk-overlay-transparent-backdrop"
      (backdropClick)="isOpen.set(false)"
      (detach)="isOpen.set(false)"
    >
      <app-notice-panel (left)="isOpen.set(false)" />
    </ng-template>
  `,
  styles: `
    .icon-button {
      position: relative;
    }
    .count {
      position: absolute;
      inset-block-start: 0;
      inset-inline-end: 0;
      min-inline-size: 1.125rem;
      padding-inline: 0.25rem;
      border-radius: 0.5625rem;
      outline: 2px solid var(--mat-sys-surface);
      background: var(--mat-sys-error);
      color: var(--mat-sys-on-error);
      font: 600 0.6875rem/1.125rem Inter;
      font-variant-numeric: tabular-nums;
      text-align: center;
    }
  `,
})
export class Bell {
  private readonly service = inject(NotificationsService);
  private readonly notices = inject(Notices);
  private readonly router = inject(Router);
  private readonly document = inject(DOCUMENT);
  protected readonly t = t;
  protected readonly MOST = MOST;
  protected readonly GAP = GAP;
  protected readonly BELOW = BELOW;

  private readonly counts = read(countNotifications, () => ({}));
  private readonly last = lastValue(this.counts);
  protected readonly unseen = () => this.last()?.unseen ?? 0;
  protected readonly isOpen = signal(false);
  /** What a screen reader reads when the number grows. */
  protected readonly news = signal('');

  constructor() {
    refreshOn(['notifications.*'], this.counts, ({ own }) => own);
    let before: number | undefined;
    effect(() => {
      const count = this.last()?.unseen;
      if (count !== undefined && before !== undefined)
        this.news.set(count > before ? t().news(count - before) : '');
      before = count;
    });
    const stop = inject(Live).listen((happening) => {
      if (happening?.type === 'notifications.created' && happening.own && happening.data['push'] === true)
        this.show(happening).catch(() => undefined); // the badge tells it too
    });
    inject(DestroyRef).onDestroy(stop);
  }

  /** Show a notification at once, unless a list of them is in sight. */
  private async show({ data }: Happening): Promise<void> {
    const isListed = () => this.isOpen() || this.router.url.startsWith('/notifications');
    if (this.document.visibilityState !== 'visible' || isListed()) return;
    const { items } = await firstValueFrom(this.service.listNotifications({ limit: 10 }));
    const notice = items.find(({ id }) => id === data['notification_id']);
    if (!notice || isListed()) return;
    const target = targetOf(this.router, notice) ?? this.router.parseUrl('/notifications');
    this.notices.offer(notice.subject, t().open, () => {
      this.service.changeNotification({ id: notice.id, body: { is_read: true } }).subscribe({
        error: () => undefined, // it stays unread
      });
      void this.router.navigateByUrl(target);
    });
  }
}
