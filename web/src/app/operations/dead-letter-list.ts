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
import { RouterLink } from '@angular/router';

import { listDeadLetters } from '../api/fn/operations/list-dead-letters';
import type { DeadLetter } from '../api/models';
import { firstText, queryChanger } from '../kernel/query';
import { readList } from '../kernel/read';
import { refreshHinted } from '../kernel/refresh';
import { Cover } from '../ui/cover';
import { Choice, Filters, Search } from '../ui/filters';
import { Icon } from '../ui/icon';
import { AppList } from '../ui/list';
import { Page } from '../ui/page';
import { Empty } from '../ui/states';
import { Time } from '../ui/time';
import { Decisions, type Filter, type Verb } from './decisions';
import { t as texts } from './texts';

const KINDS = ['event', 'task', 'message'] as const;

@Component({
  selector: 'app-dead-letter-list',
  imports: [AppList, Choice, Cover, Empty, Filters, Icon, MatButton, Page, RouterLink, Search, Time],
  providers: [Decisions],
  templateUrl: './dead-letter-list.html',
  styleUrl: './dead-letter-list.scss',
})
export class DeadLetterList {
  /** From the URL. */
  readonly kind = input(undefined, { transform: firstText });
  readonly type = input(undefined, { transform: firstText });
  readonly key = input(undefined, { transform: firstText });

  protected readonly change = queryChanger();
  private readonly injector = inject(Injector);
  private readonly host = inject<ElementRef<HTMLElement>>(ElementRef).nativeElement;
  protected readonly decisions = inject(Decisions);
  protected readonly all = texts;
  protected readonly t = computed(() => texts().list);
  protected readonly kinds = computed(() => [
    ['', this.t().anyKind] as const,
    ...KINDS.map((each) => [each, texts().kinds[each] ?? each] as const),
  ]);

  protected readonly filter = computed<Filter>(() => ({
    kind: KINDS.find((each) => each === this.kind()),
    type: this.type(),
    key: this.key(),
  }));
  protected readonly filtered = computed(() => Object.values(this.filter()).some(Boolean));
  protected readonly list = readList(listDeadLetters, () => {
    const { kind, type, key } = this.filter();
    return { kind: kind ?? undefined, type: type ?? undefined, key: key ?? undefined, limit: 25 };
  });
  protected readonly total = computed(() => Math.max(this.list.total() ?? 0, this.list.items()?.length ?? 0));

  // A change of the filter empties it.
  private readonly checked = linkedSignal<Filter, ReadonlySet<string>>({
    source: this.filter,
    computation: () => new Set(),
  });
  /** Ids of the selected among those that are shown. */
  protected readonly selected = computed(() => {
    const shown = (this.list.items() ?? []).map(({ id }) => id);
    return new Set(shown.filter((id) => this.checked().has(id)));
  });
  protected readonly allSelected = computed(
    () => this.selected().size > 0 && this.selected().size === this.list.items()?.length,
  );
  protected readonly busy = signal<string | null>(null);

  constructor() {
    refreshHinted(['operations.*', 'outbox.dead_letters'], this.list);
  }

  protected clear(type: Search, key: Search): void {
    this.change({ kind: null, type: null, key: null });
    key.clear();
    type.clear();
  }

  protected select(id: string, on: boolean): void {
    this.checked.update((before) => {
      const after = new Set(before);
      if (on) after.add(id);
      else after.delete(id);
      return after;
    });
  }

  protected selectAll(on: boolean): void {
    this.checked.set(new Set(on ? (this.list.items() ?? []).map(({ id }) => id) : []));
  }

  protected async decideOne(verb: Verb, letter: DeadLetter, index: number): Promise<void> {
    this.busy.set(letter.id);
    if (await this.decisions.decideOne(verb, letter.id)) {
      this.list.update((items) => items.filter(({ id }) => id !== letter.id));
      if (!this.list.items()?.length) this.list.reload();
      this.focus(index);
    }
    this.busy.set(null);
  }

  protected async decide(verb: Verb): Promise<void> {
    const ids = [...this.selected()];
    const outcome = ids.length
      ? await this.decisions.decideThese(verb, ids)
      : await this.decisions.decideAll(verb, this.filter(), this.total());
    if (outcome === 'cancelled') return;
    if (outcome === 'done') this.checked.set(new Set());
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
