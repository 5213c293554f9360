import { Component, computed, inject, input, signal } from '@angular/core';
import { MatButton } from '@angular/material/button';
import { RouterLink } from '@angular/router';
import { firstValueFrom } from 'rxjs';

import { showDelivery } from '../api/fn/webhooks/show-delivery';
import { WebhooksService } from '../api/services';
import { Notices } from '../kernel/notices';
import { problemOf } from '../kernel/problem';
import { lastValue, read } from '../kernel/read';
import { refreshHinted } from '../kernel/refresh';
import { Code } from '../ui/code';
import { Copyable } from '../ui/copyable';
import { Icon } from '../ui/icon';
import { Json } from '../ui/json';
import { Page } from '../ui/page';
import { Empty, Failure, Skeleton } from '../ui/states';
import { Time } from '../ui/time';
import { explain } from './answers';
import { StateBadge } from './badge';
import { t as texts } from './log-texts';
import { Timings } from './timings';

@Component({
  selector: 'app-delivery',
  imports: [
    Code,
    Copyable,
    Empty,
    Failure,
    Icon,
    Json,
    MatButton,
    Page,
    RouterLink,
    Skeleton,
    StateBadge,
    Time,
    Timings,
  ],
  templateUrl: './delivery.html',
  styleUrls: ['../ui/back.scss', './delivery.scss'],
})
export class DeliveryPage {
  /** From the path. */
  readonly id = input.required<string>();
  readonly delivery = input.required<string>();

  private readonly webhooks = inject(WebhooksService);
  private readonly notices = inject(Notices);
  protected readonly t = computed(() => texts().delivery);
  protected readonly read = read(showDelivery, () => ({ id: this.id(), delivery_id: this.delivery() }));
  protected readonly detail = lastValue(this.read);
  protected readonly failure = computed(() => {
    const error = this.read.error();
    return error && (!this.detail() || problemOf(error).status === 404) ? error : undefined;
  });
  protected readonly missing = computed(() => problemOf(this.failure()).status === 404);
  protected readonly heading = computed(() => this.detail()?.delivery.type ?? this.t().heading);
  protected readonly headers = computed(() =>
    Object.entries(this.detail()?.headers ?? {})
      .map(([name, value]) => `${name}: ${value}`)
      .join('\n'),
  );
  protected readonly body = computed<unknown>(() => JSON.parse(this.detail()?.body ?? 'null'));
  protected readonly busy = signal(false);
  protected readonly explain = explain;

  constructor() {
    refreshHinted(['webhooks.*', 'webhooks.deliveries'], this.read, ({ id }) => id === this.id());
  }

  protected async redeliver(): Promise<void> {
    this.busy.set(true);
    try {
      await firstValueFrom(this.webhooks.redeliver({ id: this.id(), delivery_id: this.delivery() }));
      this.notices.say(texts().log.requested);
    } catch (error) {
      this.notices.fail(error);
    }
    this.read.reload();
    this.busy.set(false);
  }
}
