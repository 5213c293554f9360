import { Component, computed, effect, signal, untracked } from '@angular/core';
import { RouterLink } from '@angular/router';

import { getOutbox } from '../api/fn/operations/get-outbox';
import type { Backlog } from '../api/models';
import { lastValue, read } from '../kernel/read';
import { refreshEvery, refreshHinted } from '../kernel/refresh';
import { Icon } from '../ui/icon';
import { Page } from '../ui/page';
import { Sparkline } from '../ui/sparkline';
import { Failure, Skeleton } from '../ui/states';
import { readFullHealth } from '../system/full-health';
import { Time } from '../ui/time';
import { formatAge, formatCount } from './amounts';
import { DeadCount } from './dead-count';
import { t as texts } from './texts';

const SECONDS = 5; // between two samples
const SAMPLES = 60; // the last five minutes
const KEPT = 2500; // ms; the server keeps the amounts for 2 s

interface Sample {
  readonly events: number;
  readonly tasks: number;
  readonly messages: number;
}
type Figure = keyof Sample;

@Component({
  selector: 'app-outbox',
  imports: [DeadCount, Failure, Icon, Page, RouterLink, Skeleton, Sparkline, Time],
  templateUrl: './outbox.html',
  styleUrl: './outbox.scss',
})
export class OutboxPage {
  protected readonly t = computed(() => texts().outbox);
  protected readonly formatAge = formatAge;
  protected readonly formatCount = formatCount;
  protected readonly SAMPLES = SAMPLES;

  protected readonly health = readFullHealth();
  protected readonly outbox = read(getOutbox, () => ({}));
  protected readonly state = lastValue(this.health);
  private readonly waiting = lastValue(this.outbox);
  protected readonly backlogs = computed(() => this.waiting()?.items);
  protected readonly error = computed(() => this.health.error() ?? this.outbox.error());

  protected readonly events = computed(() => this.of('kafka'));
  protected readonly tasks = computed(() => this.of('tasks'));
  protected readonly dead = computed(() => {
    const sums = this.state()?.outbox;
    return sums ? sums.events_dead + sums.tasks_dead + sums.messages_dead : null;
  });
  protected readonly unread = computed(() => {
    const consumers = this.state()?.consumers;
    if (!consumers || consumers.some(({ messages }) => messages === null)) return null;
    return consumers.reduce((sum, { messages }) => sum + (messages ?? 0), 0);
  });
  private readonly samples = signal<readonly Sample[]>([]);

  constructor() {
    refreshHinted(
      ['*', 'outbox.events', 'outbox.tasks', 'outbox.messages', 'outbox.dead_letters'],
      { reload: () => this.retry() },
      undefined,
      KEPT,
    );
    refreshEvery(SECONDS, () => this.sample());
    const begin = effect(() => {
      if (!this.state()?.outbox) return;
      untracked(() => this.sample());
      begin.destroy();
    });
  }

  private sample(): void {
    const sums = this.state()?.outbox;
    if (!sums) return;
    const sample = { events: sums.events_pending, tasks: sums.tasks_pending, messages: this.unread() ?? 0 };
    this.samples.update((before) => [...before, sample].slice(-SAMPLES));
  }

  protected course(figure: Figure): readonly number[] {
    return this.samples().map((each) => each[figure]);
  }

  protected courseText(figure: Figure, name: string): string {
    const values = this.course(figure);
    const span = formatAge(values.length * SECONDS);
    const last = values.at(-1) ?? 0;
    return this.t().course(
      name,
      span,
      formatCount(Math.min(...values)),
      formatCount(Math.max(...values)),
      formatCount(last),
    );
  }

  /** Why no consumer is listed. A guest's answer has no list, and null stands for one that Redis did not return. */
  protected consumersText(consumers: readonly unknown[] | null | undefined): string {
    const { notChecked, noCache, noConsumers } = this.t();
    if (consumers === undefined) return notChecked;
    return consumers === null ? noCache : noConsumers;
  }

  protected deadMessages(topic: string): number {
    return this.of('messages').find(({ name }) => name === topic)?.dead ?? 0;
  }

  protected retry(): void {
    this.health.reload();
    this.outbox.reload();
  }

  private of(destination: string): readonly Backlog[] {
    return (this.backlogs() ?? []).filter((each) => each.destination === destination);
  }
}
