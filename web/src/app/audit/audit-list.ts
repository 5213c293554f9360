import { Component, computed, inject, input, linkedSignal } from '@angular/core';
import { MatButton } from '@angular/material/button';
import { MatDialog } from '@angular/material/dialog';
import { RouterLink } from '@angular/router';
import { firstValueFrom } from 'rxjs';

import { listAuditEntries } from '../api/fn/audit/list-audit-entries';
import { getUser } from '../api/fn/users/get-user';
import type { AuditEntry } from '../api/models';
import { UsersService } from '../api/services';
import { refreshOn } from '../kernel/live';
import { problemOf } from '../kernel/problem';
import { firstText, type QueryChange, queryChanger } from '../kernel/query';
import { read, readList } from '../kernel/read';
import { Session } from '../kernel/session';
import { Cover } from '../ui/cover';
import { Chip, Choice, Filters, Search } from '../ui/filters';
import { Icon } from '../ui/icon';
import { AppList } from '../ui/list';
import { Page } from '../ui/page';
import { Empty } from '../ui/states';
import { Time } from '../ui/time';
import { boundsOf, NO_RANGE, TimeRange } from '../ui/time-range';
import { Chain } from './chain';
import { Entry, type Shown } from './entry';
import { subjectOf } from './subject';
import { t as texts } from './texts';

const ID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** All audit entries, newest first. The filters are in the address, so that it can be reloaded and shared. */
@Component({
  selector: 'app-audit-list',
  imports: [
    AppList,
    Chain,
    Chip,
    Choice,
    Cover,
    Empty,
    Filters,
    Icon,
    MatButton,
    Page,
    RouterLink,
    Search,
    Time,
    TimeRange,
  ],
  templateUrl: './audit-list.html',
  styleUrl: './audit-list.scss',
})
export class AuditList {
  /** Id of the account that the entries are about, or that caused them. */
  readonly person = input(undefined, { transform: firstText });
  readonly type = input(undefined, { transform: firstText });
  readonly last = input(undefined, { transform: firstText });
  readonly from = input(undefined, { transform: firstText });
  readonly until = input(undefined, { transform: firstText });

  private readonly change = queryChanger();
  private readonly users = inject(UsersService);
  private readonly dialogs = inject(MatDialog);
  private readonly session = inject(Session);
  protected readonly t = computed(() => texts().list);
  protected readonly types = computed(() => [
    ['', this.t().allTypes] as const,
    ...Object.entries(texts().types),
  ]);
  protected readonly filtered = computed(
    () => !!this.person() || !!this.type() || Object.values(this.range()).some(Boolean),
  );
  protected readonly range = computed(() => ({ last: this.last(), from: this.from(), until: this.until() }));

  protected readonly entries = readList(listAuditEntries, () => ({
    // The server refuses malformed ones, and the page says so.
    user_id: this.person(),
    type: this.type(),
    ...boundsOf(this.range()),
    limit: 50,
  }));
  private readonly account = read(getUser, () => {
    const id = this.person() ?? '';
    return ID.test(id) ? { id } : undefined;
  });
  /** The address of the person in the filter, or the id where the account is deleted. */
  protected readonly personName = computed(() => {
    const user = this.account.hasValue() ? this.account.value() : undefined;
    return user?.email ?? this.person();
  });
  protected readonly sought = linkedSignal({ source: this.person, computation: () => '' });
  protected readonly refused = linkedSignal<string | undefined, string | null>({
    source: this.person,
    computation: () => null,
  });
  private searches = 0;

  constructor() {
    refreshOn(['*'], this.entries);
  }

  protected name(type: string): string {
    const names: Readonly<Partial<Record<string, string>>> = texts().types;
    return names[type] ?? type;
  }

  protected readonly subject = subjectOf;

  /** An account in the list: its last characters, since ids begin with their time. */
  protected nameOf(id: string): string {
    return this.session.user()?.id === id ? this.t().you : `…${id.slice(-8)}`;
  }

  /** Filter by the id or the address of a person. */
  protected async find(wanted: string): Promise<void> {
    this.sought.set(wanted);
    this.refused.set(null);
    const search = ++this.searches; // a later one replaces it
    if (!wanted) return;
    if (ID.test(wanted)) {
      this.change({ person: wanted.toLowerCase() });
      return;
    }
    try {
      const { items } = await firstValueFrom(this.users.listUsers({ q: wanted.slice(0, 100), limit: 20 }));
      if (search !== this.searches) return;
      const user = items.find(({ email }) => email.toLowerCase() === wanted.toLowerCase());
      if (user) this.change({ person: user.id });
      else this.refused.set(this.t().unknownPerson);
    } catch (error) {
      if (search === this.searches) this.refused.set(problemOf(error).detail);
    }
  }

  protected filterType(type: string): void {
    this.change({ type: type || null });
  }

  protected filterTime(range: QueryChange): void {
    this.change(range);
  }

  protected leavePerson(search: Search): void {
    this.change({ person: null });
    search.clear();
  }

  protected clear(search: Search): void {
    this.change({ person: null, type: null, ...NO_RANGE });
    search.clear();
  }

  protected open(entry: AuditEntry): void {
    const { position } = entry;
    // Neighbours in the chain are loaded only where no filter leaves them out.
    const before =
      position === null
        ? undefined
        : (this.entries.items() ?? []).find((each) => each.position === position - 1);
    this.dialogs.open<Entry, Shown>(Entry, {
      data: { entry, previousHash: before?.hash ?? null },
      width: '44rem',
      maxWidth: '94vw',
      autoFocus: 'first-heading',
    });
  }
}
