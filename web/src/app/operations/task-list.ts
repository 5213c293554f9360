import {
  afterNextRender,
  Component,
  computed,
  ElementRef,
  inject,
  Injector,
  input,
  signal,
} from '@angular/core';
import { MatButton } from '@angular/material/button';
import { Router } from '@angular/router';
import { firstValueFrom } from 'rxjs';

import { countTasks } from '../api/fn/operations/count-tasks';
import { listTasks } from '../api/fn/operations/list-tasks';
import type { PendingTask } from '../api/models';
import { OperationsService } from '../api/services';
import { Notices } from '../kernel/notices';
import { problemOf } from '../kernel/problem';
import { firstText, queryChanger } from '../kernel/query';
import { lastValue, read, readList } from '../kernel/read';
import { refreshHinted } from '../kernel/refresh';
import { Confirm } from '../ui/confirm';
import { Copyable } from '../ui/copyable';
import { Choice, Filters, Search } from '../ui/filters';
import { Icon } from '../ui/icon';
import { AppList } from '../ui/list';
import { Page } from '../ui/page';
import { Empty, Skeleton } from '../ui/states';
import { Time } from '../ui/time';
import { formatAge, formatCount } from './amounts';
import { DeadCount } from './dead-count';
import { t as texts } from './task-texts';

const STATES = ['pending', 'running', 'retrying', 'later'] as const;
const LOOKS: Readonly<Record<PendingTask['state'], string>> = {
  pending: '',
  running: 'good',
  retrying: 'caution',
  later: '',
};
const LIMIT = 25;

/** The tasks that run or wait. The filters are in the address. */
@Component({
  selector: 'app-task-list',
  imports: [
    AppList,
    Choice,
    Copyable,
    DeadCount,
    Empty,
    Filters,
    Icon,
    MatButton,
    Page,
    Search,
    Skeleton,
    Time,
  ],
  templateUrl: './task-list.html',
  styleUrls: ['./tables.scss', './task-list.scss'],
})
export class TaskList {
  /** From the URL. */
  readonly name = input(undefined, { transform: firstText });
  readonly state = input(undefined, { transform: firstText });

  protected readonly change = queryChanger();
  private readonly injector = inject(Injector);
  private readonly router = inject(Router);
  private readonly service = inject(OperationsService);
  private readonly notices = inject(Notices);
  private readonly confirm = inject(Confirm);
  private readonly host = inject<ElementRef<HTMLElement>>(ElementRef).nativeElement;
  protected readonly all = texts;
  protected readonly t = computed(() => texts().list);
  protected readonly STATES = STATES;
  protected readonly LOOKS = LOOKS;
  protected readonly formatAge = formatAge;
  protected readonly formatCount = formatCount;
  protected readonly known = computed(() => STATES.find((each) => each === this.state()));
  protected readonly states = computed(() => [
    ['', this.t().anyState] as const,
    ...STATES.map((each) => [each, texts().states[each]] as const),
  ]);
  protected readonly filtered = computed(() => !!this.name() || !!this.known());
  protected readonly tasks = readList(listTasks, () => ({
    name: this.name(),
    state: this.known(),
    limit: LIMIT,
  }));
  private readonly counted = read(countTasks, () => ({}));
  protected readonly counts = lastValue(this.counted);
  protected readonly busy = signal<string | null>(null);

  constructor() {
    refreshHinted(['operations.*', 'outbox.tasks'], { reload: () => this.refresh() });
  }

  protected clear(search: Search): void {
    this.change({ name: null, state: null });
    search.clear();
  }

  protected async retry(task: PendingTask): Promise<void> {
    await this.decide(
      task,
      () => firstValueFrom(this.service.retryTask({ id: task.id })),
      () => {
        this.notices.say(this.t().retried);
      },
    );
  }

  protected async cancel(task: PendingTask): Promise<void> {
    if (!(await this.confirm.ask({ ...this.t().confirm(task.name), danger: true }))) return;
    await this.decide(
      task,
      () => firstValueFrom(this.service.cancelTask({ id: task.id })),
      () => {
        this.notices.offer(this.t().cancelled, this.t().show, () => {
          void this.router.navigateByUrl(`/operations/dead-letters/${task.id}`);
        });
      },
    );
  }

  private async decide(task: PendingTask, send: () => Promise<unknown>, done: () => void): Promise<void> {
    const index = (this.tasks.items() ?? []).findIndex(({ id }) => id === task.id);
    this.busy.set(task.id);
    try {
      await send();
      done();
    } catch (error) {
      if (problemOf(error).status === 404) this.notices.say(this.t().gone);
      else this.notices.fail(error);
    }
    this.busy.set(null);
    this.counted.reload();
    this.tasks.reload();
    this.focus(index);
  }

  private refresh(): boolean {
    this.counted.reload();
    return this.tasks.refresh();
  }

  /** Move the focus from a button that may be gone to the row in its place, or to the title. */
  private focus(index: number): void {
    afterNextRender(
      () => {
        if (document.activeElement !== document.body) return;
        const rows = this.host.querySelectorAll<HTMLElement>('.task');
        const row = rows.length ? rows.item(Math.min(index, rows.length - 1)) : null;
        const target = row?.querySelector<HTMLElement>('button');
        (target ?? this.host.querySelector('h1'))?.focus();
      },
      { injector: this.injector },
    );
  }
}
