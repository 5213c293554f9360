import { NgTemplateOutlet } from '@angular/common';
import { Component, computed, effect, inject, input, output, signal, untracked } from '@angular/core';
import { MatButton } from '@angular/material/button';
import { MatDialog } from '@angular/material/dialog';
import { RouterLink } from '@angular/router';
import { firstValueFrom } from 'rxjs';

import { listDeliveries } from '../api/fn/webhooks/list-deliveries';
import type { Delivery, Endpoint } from '../api/models';
import { WebhooksService } from '../api/services';
import type { Happening } from '../kernel/live';
import { Notices } from '../kernel/notices';
import { queryChanger } from '../kernel/query';
import { readList } from '../kernel/read';
import { refreshHinted } from '../kernel/refresh';
import { Cover } from '../ui/cover';
import { Choice, Filters, Search } from '../ui/filters';
import { Icon } from '../ui/icon';
import { AppList } from '../ui/list';
import { Empty } from '../ui/states';
import { Time } from '../ui/time';
import { explain } from './answers';
import { StateBadge } from './badge';
import { t as texts } from './log-texts';
import { ReplayDialog } from './replay';
import { t as common } from './texts';

const STATES = ['pending', 'held', 'delivered', 'failed'] as const;

const LIMIT = 20;

/** The deliveries of a webhook, newest event first. It updates itself, without losing the older ones that are shown. */
@Component({
  selector: 'app-delivery-log',
  imports: [
    AppList,
    Choice,
    Cover,
    Empty,
    Filters,
    Icon,
    MatButton,
    NgTemplateOutlet,
    RouterLink,
    Search,
    StateBadge,
    Time,
  ],
  templateUrl: './delivery-log.html',
  styleUrl: './delivery-log.scss',
})
export class DeliveryLog {
  readonly endpoint = input.required<Endpoint>();
  readonly state = input<string>();
  readonly type = input<string>();
  /** Emits when deliveries were added or have changed. */
  readonly news = output();

  private readonly webhooks = inject(WebhooksService);
  private readonly notices = inject(Notices);
  private readonly dialogs = inject(MatDialog);
  protected readonly change = queryChanger();
  protected readonly t = computed(() => texts().log);
  protected readonly states = computed(() => [
    ['', this.t().any] as const,
    ...STATES.map((each) => [each, common().states[each]] as const),
  ]);
  protected readonly details = computed(() => texts().delivery);
  protected readonly explain = explain;

  private readonly id = computed(() => this.endpoint().id);
  private readonly filter = computed(() => ({
    id: this.id(),
    state: STATES.find((each) => each === this.state()),
    type: this.type(),
  }));
  protected readonly filtered = computed(() => !!this.state() || !!this.type());
  protected readonly list = readList(listDeliveries, () => ({ ...this.filter(), limit: LIMIT }));
  protected readonly busy = signal<string | null>(null);

  private readonly course = computed(() =>
    this.list
      .items()
      ?.map(({ id, state, attempts }) => `${id} ${state} ${String(attempts)}`)
      .join(),
  );

  constructor() {
    // Events, because deliveries that are held give no hint.
    const concerns = ({ own }: Happening) => own || this.endpoint().scope === 'all';
    refreshHinted(['*', 'webhooks.deliveries'], { reload: () => this.refresh() }, concerns);
    let before: string | undefined;
    effect(() => {
      const course = this.course();
      if (before !== undefined && course !== before) untracked(() => this.news.emit());
      before = course;
    });
  }

  /** Read the deliveries that are shown, and those that are newer. False if that is not possible now. */
  refresh(): boolean {
    if (!this.list.error()) return this.list.refresh();
    this.list.reload();
    return true;
  }

  /** Return a delivery if it is shown. */
  find(id: string): Delivery | undefined {
    return this.list.items()?.find((each) => each.id === id);
  }

  protected clear(search: Search): void {
    this.change({ state: null, type: null });
    search.clear();
  }

  protected canRedeliver({ state }: Delivery): boolean {
    return this.endpoint().is_enabled && (state === 'failed' || state === 'delivered' || state === 'pending');
  }

  protected async redeliver({ id }: Delivery): Promise<void> {
    this.busy.set(id);
    try {
      const delivery = await firstValueFrom(this.webhooks.redeliver({ id: this.id(), delivery_id: id }));
      this.list.update((items) => items.map((each) => (each.id === id ? delivery : each)));
      this.notices.say(this.t().requested);
    } catch (error) {
      this.notices.fail(error);
      this.refresh();
    } finally {
      this.busy.set(null);
    }
  }

  protected async replay(): Promise<void> {
    const dialog = this.dialogs.open<ReplayDialog, string, number>(ReplayDialog, {
      data: this.id(),
      width: '30rem',
      maxWidth: '94vw',
    });
    const count = await firstValueFrom(dialog.afterClosed());
    if (count === undefined) return;
    this.notices.say(texts().replay.done(count));
    this.list.reload();
    this.news.emit();
  }
}
