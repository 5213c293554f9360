import {
  Component,
  computed,
  ElementRef,
  inject,
  Injector,
  afterNextRender,
  input,
  linkedSignal,
  signal,
} from '@angular/core';
import { MatButton } from '@angular/material/button';
import { Router, RouterLink } from '@angular/router';

import { listDeadLetters } from '../api/fn/operations/list-dead-letters';
import type { DeadLetter } from '../api/models';
import { formatNumber } from '../kernel/time';
import { read, readList } from '../kernel/read';
import { Icon } from '../ui/icon';
import { Page } from '../ui/page';
import { Empty, Failure, Skeleton } from '../ui/states';
import { Time } from '../ui/time';
import { Decisions, type Filter, type Verb } from './decisions';
import { t as texts } from './texts';

const KINDS = ['event', 'task', 'message'] as const;

@Component({
  selector: 'app-dead-letter-list',
  imports: [Empty, Failure, Icon, MatButton, Page, RouterLink, Skeleton, Time],
  providers: [Decisions],
  templateUrl: './dead-letter-list.html',
  styleUrl: './dead-letter-list.scss',
})
export class DeadLetterList {
  /** From the URL. */
  readonly kind = input<string>();
  readonly type = input<string>();
  readonly key = input<string>();

  private readonly router = inject(Router);
  private readonly injector = inject(Injector);
  private readonly host = inject<ElementRef<HTMLElement>>(ElementRef).nativeElement;
  protected readonly decisions = inject(Decisions);
  protected readonly all = texts;
  protected readonly t = computed(() => texts().list);
  protected readonly KINDS = KINDS;
  protected readonly formatNumber = formatNumber;

  protected readonly filter = computed<Filter>(() => ({
    kind: KINDS.find((each) => each === this.kind()),
    type: this.type(),
    key: this.key(),
  }));
  protected readonly filtered = computed(() => Object.values(this.filter()).some(Boolean));
  protected readonly list = readList(listDeadLetters, () => this.query());
  private readonly query = computed(() => {
    const { kind, type, key } = this.filter();
    return { kind: kind ?? undefined, type: type ?? undefined, key: key ?? undefined, limit: 25 };
  });
  // The number of those that match is in each page, which `readList` does not keep.
  private readonly counted = read(listDeadLetters, () =>
    this.list.hasMore() ? { ...this.query(), limit: 1 } : undefined,
  );
  protected readonly total = computed(() => {
    const shown = this.list.items()?.length ?? 0;
    if (!this.list.hasMore()) return shown;
    return Math.max(shown, this.counted.hasValue() ? this.counted.value().total : 0);
  });

  /** Ids of the selected; a change of the filter empties it. */
  protected readonly selected = linkedSignal<Filter, ReadonlySet<string>>({
    source: this.filter,
    computation: () => new Set(),
  });
  protected readonly allSelected = computed(() => {
    const items = this.list.items() ?? [];
    return items.length > 0 && items.every(({ id }) => this.selected().has(id));
  });
  protected readonly busy = signal<string | null>(null);

  protected narrow(change: Readonly<Record<string, string>>): void {
    const queryParams = Object.fromEntries(
      Object.entries(change).map(([name, text]) => [name, text.trim() || null]),
    );
    void this.router.navigate([], { queryParams, queryParamsHandling: 'merge' });
  }

  protected clear(): void {
    void this.router.navigate([], { queryParams: {} });
    this.host.querySelector('select')?.focus();
  }

  protected select(id: string, on: boolean): void {
    this.selected.update((before) => {
      const after = new Set(before);
      if (on) after.add(id);
      else after.delete(id);
      return after;
    });
  }

  protected selectAll(on: boolean): void {
    this.selected.set(new Set(on ? (this.list.items() ?? []).map(({ id }) => id) : []));
  }

  protected async decideOne(verb: Verb, letter: DeadLetter, index: number): Promise<void> {
    this.busy.set(letter.id);
    if (await this.decisions.decideOne(verb, letter.id)) {
      this.select(letter.id, false);
      this.list.update((items) => items.filter(({ id }) => id !== letter.id));
      if (!this.list.items()?.length) this.list.reload();
      this.counted.reload();
      this.focus(index);
    }
    this.busy.set(null);
  }

  protected async decide(verb: Verb): Promise<void> {
    const ids = [...this.selected()];
    const begun = ids.length
      ? await this.decisions.decideThese(verb, ids)
      : await this.decisions.decideAll(verb, this.filter(), this.total());
    if (!begun) return;
    this.selected.set(new Set());
    this.counted.reload();
    this.list.reload();
    this.focus(-1);
  }

  /** Move the focus from a row that is gone to the one in its place, or to the title. */
  private focus(index: number): void {
    afterNextRender(
      () => {
        const links = this.host.querySelectorAll<HTMLElement>('.letter a');
        const target = index < 0 ? undefined : links.item(Math.min(index, links.length - 1));
        (target ?? this.host.querySelector('h1'))?.focus();
      },
      { injector: this.injector },
    );
  }
}
