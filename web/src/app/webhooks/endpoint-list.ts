import { Component, computed, inject } from '@angular/core';
import { MatButton } from '@angular/material/button';
import { RouterLink } from '@angular/router';

import { listWebhooks } from '../api/fn/webhooks/list-webhooks';
import type { Endpoint } from '../api/models';
import { lastValue, read } from '../kernel/read';
import { refreshHinted } from '../kernel/refresh';
import { Session } from '../kernel/session';
import { Cover } from '../ui/cover';
import { Icon } from '../ui/icon';
import { Page } from '../ui/page';
import { Empty, Failure, Skeleton } from '../ui/states';
import { Time } from '../ui/time';
import { StateBadge, stateOf } from './badge';
import { Receiver } from './receiver';
import { t as texts, why } from './texts';

const SHOWN_EVENTS = 3;

@Component({
  selector: 'app-endpoint-list',
  imports: [Cover, Empty, Failure, Icon, MatButton, Page, Receiver, RouterLink, Skeleton, StateBadge, Time],
  templateUrl: './endpoint-list.html',
  styleUrl: './endpoint-list.scss',
})
export class EndpointList {
  protected readonly all = texts;
  protected readonly why = why;
  protected readonly t = computed(() => texts().list);
  protected readonly person = inject(Session).user;
  protected readonly webhooks = read(listWebhooks, () => ({}));
  protected readonly items = lastValue(this.webhooks);
  protected readonly stateOf = stateOf;

  constructor() {
    refreshHinted(['webhooks.*', 'webhooks.deliveries'], this.webhooks, ({ own }) => own);
  }

  protected shown({ events }: Endpoint): string[] {
    return events.slice(0, SHOWN_EVENTS);
  }

  protected rest({ events }: Endpoint): number {
    return Math.max(0, events.length - SHOWN_EVENTS);
  }
}
