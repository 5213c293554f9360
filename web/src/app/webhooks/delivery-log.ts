import { BreakpointObserver } from '@angular/cdk/layout';
import { NgTemplateOutlet } from '@angular/common';
import { Component, computed, effect, inject, input, output, signal, untracked } from '@angular/core';
import { toSignal } from '@angular/core/rxjs-interop';
import { MatButton } from '@angular/material/button';
import { MatDialog } from '@angular/material/dialog';
import { RouterLink } from '@angular/router';
import { firstValueFrom, map } from 'rxjs';

import { listDeliveries } from '../api/fn/webhooks/list-deliveries';
import type { Delivery, Endpoint } from '../api/models';
import { WebhooksService } from '../api/services';
import { Notices } from '../kernel/notices';
import { queryChanger } from '../kernel/query';
import { read, readList } from '../kernel/read';
import { refreshEvery } from '../kernel/refresh';
import { now } from '../kernel/time';
import { Icon } from '../ui/icon';
import { ListFoot } from '../ui/list-foot';
import { Empty, Failure, Skeleton } from '../ui/states';
import { Time } from '../ui/time';
import { explain } from './answers';
import { StateBadge } from './badge';
import { t as texts } from './log-texts';
import { tellFailure } from './refusal';
import { ReplayDialog } from './replay';
import { t as common } from './texts';

const STATES = ['pending', 'held', 'delivered', 'failed'] as const;

const PAGE = 20;
const MOST = 100; // of one request
const TICK = 2; // seconds
const IDLE = 5; // ticks between two readings while nothing is on its way

/** The deliveries of a webhook, newest event first. It updates itself, without losing the older ones that are shown. */
@Component({
  selector: 'app-delivery-log',
  imports: [
    Empty,
    Failure,
    Icon,
    ListFoot,
    MatButton,
    NgTemplateOutlet,
    RouterLink,
    Skeleton,
    StateBadge,
    Time,
  ],
  templateUrl: './delivery-log.html',
  styleUrls: ['./controls.scss', './delivery-log.scss'],
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
  private readonly change = queryChanger();
  protected readonly t = computed(() => texts().log);
  protected readonly states = computed(() => common().states);
  protected readonly details = computed(() => texts().delivery);
  protected readonly STATES = STATES;
  protected readonly explain = explain;
  protected readonly narrow = toSignal(
    inject(BreakpointObserver)
      .observe('(max-width: 60rem)')
      .pipe(map(({ matches }) => matches)),
    { initialValue: false },
  );

  private readonly id = computed(() => this.endpoint().id);
  private readonly filter = computed(() => ({
    id: this.id(),
    state: STATES.find((each) => each === this.state()),
    type: this.type(),
  }));
  protected readonly filtered = computed(() => !!this.state() || !!this.type());
  protected readonly list = readList(listDeliveries, () => ({ ...this.filter(), limit: PAGE }));
  protected readonly busy = signal<string | null>(null);

  private readonly wanted = signal<{ limit: number } | undefined>(undefined);
  private readonly newest = read(listDeliveries, () => {
    const wanted = this.wanted();
    return wanted && { ...this.filter(), ...wanted };
  });

  constructor() {
    let ticks = 0;
    refreshEvery(TICK, () => {
      if (++ticks % (this.isBusy() ? 1 : IDLE) === 0) this.refresh();
    });
    effect(() => {
      if (this.newest.status() !== 'resolved' || !this.newest.hasValue()) return;
      const { items } = this.newest.value();
      untracked(() => this.merge(items));
    });
  }

  /** Read the deliveries that are shown, and those that are newer. */
  refresh(): void {
    const shown = this.list.items()?.length;
    if (shown === undefined || this.list.error()) this.list.reload();
    else if (!this.newest.isLoading()) this.wanted.set({ limit: Math.min(MOST, Math.max(PAGE, shown)) });
  }

  /** Return a delivery if it is shown. */
  find(id: string): Delivery | undefined {
    return this.list.items()?.find((each) => each.id === id);
  }

  // A delivery whose attempt is made now.
  private isBusy(): boolean {
    const soon = now() + 60_000;
    return (this.list.items() ?? []).some(
      ({ next_attempt_at: at }) => at !== null && new Date(at).getTime() < soon,
    );
  }

  private merge(items: readonly Delivery[]): void {
    const before = this.list.items() ?? [];
    const fresh = new Map(items.map((each) => [each.id, each]));
    const added = items.filter(({ id }) => !before.some((each) => each.id === id));
    if (JSON.stringify(before.slice(0, items.length)) === JSON.stringify(items)) return;
    // With none of the same there may be others in between, and with a filter some may have left the list.
    if (added.length === items.length || this.filtered()) this.list.reload();
    else this.list.update((old) => [...added, ...old.map((each) => fresh.get(each.id) ?? each)]);
    this.news.emit();
  }

  protected narrowTo(name: 'state' | 'type', value: string): void {
    this.change({ [name]: value.trim() || null });
  }

  protected clear(): void {
    this.change({ state: null, type: null });
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
      tellFailure(this.notices, error);
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
