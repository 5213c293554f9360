import { Component, computed, input, linkedSignal } from '@angular/core';
import { MatButton } from '@angular/material/button';
import { RouterLink } from '@angular/router';

import { listUsers, type ListUsers$Params } from '../api/fn/users/list-users';
import { refreshOn } from '../kernel/live';
import { firstText, queryChanger } from '../kernel/query';
import { readList } from '../kernel/read';
import { Copyable } from '../ui/copyable';
import { Cover } from '../ui/cover';
import { Chip, Choice, Filters, Search } from '../ui/filters';
import { Icon } from '../ui/icon';
import { initialOf } from '../ui/initial';
import { AppList } from '../ui/list';
import { Page } from '../ui/page';
import { Empty } from '../ui/states';
import { Time } from '../ui/time';
import { Badges } from './badges';
import { t as texts } from './texts';

type Sort = NonNullable<ListUsers$Params['sort']>;
const SORTS: readonly Sort[] = ['-created_at', 'created_at', 'email', '-email'];
const ROLE = /^[a-z][a-z0-9_-]{0,31}$/;
const PAUSE = 250; // ms between the last key and the search

/** The accounts. The search, the filters and the order are in the address, so that it can be reloaded and shared. */
@Component({
  selector: 'app-people-list',
  imports: [
    AppList,
    Badges,
    Chip,
    Choice,
    Copyable,
    Cover,
    Empty,
    Filters,
    Icon,
    MatButton,
    Page,
    RouterLink,
    Search,
    Time,
  ],
  templateUrl: './people-list.html',
  styleUrl: './people-list.scss',
})
export class PeopleList {
  readonly q = input(undefined, { transform: firstText });
  readonly active = input(undefined, { transform: firstText });
  readonly role = input(undefined, { transform: firstText });
  readonly sort = input(undefined, { transform: firstText });

  private readonly change = queryChanger();
  protected readonly initialOf = initialOf;
  protected readonly t = computed(() => texts().list);
  protected readonly PAUSE = PAUSE;

  protected readonly isActive = computed(() =>
    this.active() === 'true' || this.active() === 'false' ? this.active() === 'true' : undefined,
  );
  protected readonly roleInvalid = linkedSignal({
    source: this.role,
    computation: (role) => !!role && !ROLE.test(role),
  });
  protected readonly order = computed(() => SORTS.find((each) => each === this.sort()) ?? '-created_at');
  protected readonly sorts = computed(() => SORTS.map((each) => [each, this.t().sorts[each]] as const));
  protected readonly filtered = computed(() => !!this.q() || this.isActive() !== undefined || !!this.role());

  protected readonly users = readList(listUsers, () => ({
    q: this.q()?.slice(0, 100),
    is_active: this.isActive(),
    role: this.role(), // the server refuses a malformed one, and the page says so
    sort: this.order(),
    limit: 50,
  }));
  protected readonly roles = computed(() =>
    [...new Set((this.users.items() ?? []).flatMap(({ roles }) => roles))].sort(),
  );

  constructor() {
    refreshOn(['users.*'], this.users);
  }

  protected find(q: string): void {
    // One step back leaves a search, not one of its letters.
    if (q !== (this.q() ?? '')) this.change({ q: q || null }, !!this.q());
  }

  protected toggle(active: boolean): void {
    this.change({ active: this.isActive() === active ? null : String(active) });
  }

  protected filterRole(text: string): void {
    const role = text.toLowerCase();
    this.roleInvalid.set(!!role && !ROLE.test(role));
    if (!this.roleInvalid()) this.change({ role: role || null });
  }

  protected arrange(sort: string): void {
    this.change({ sort: sort === '-created_at' ? null : sort });
  }

  protected clear(search: Search): void {
    this.change({ q: null, active: null, role: null });
    search.clear();
  }
}
