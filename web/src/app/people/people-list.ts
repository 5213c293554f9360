import { BreakpointObserver } from '@angular/cdk/layout';
import { Component, computed, inject, input, linkedSignal } from '@angular/core';
import { toSignal } from '@angular/core/rxjs-interop';
import { MatButton } from '@angular/material/button';
import { RouterLink } from '@angular/router';
import { map } from 'rxjs';

import { listUsers, type ListUsers$Params } from '../api/fn/users/list-users';
import { refreshOn } from '../kernel/live';
import { firstText, queryChanger } from '../kernel/query';
import { readList } from '../kernel/read';
import { Copyable } from '../ui/copyable';
import { Icon } from '../ui/icon';
import { initialOf } from '../ui/initial';
import { ListFoot } from '../ui/list-foot';
import { Page } from '../ui/page';
import { Empty, Failure, Skeleton } from '../ui/states';
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
  imports: [Badges, Copyable, Empty, Failure, Icon, ListFoot, MatButton, Page, RouterLink, Skeleton, Time],
  templateUrl: './people-list.html',
  styleUrls: ['../ui/filters.scss', './people-list.scss'],
})
export class PeopleList {
  readonly q = input(undefined, { transform: firstText });
  readonly active = input(undefined, { transform: firstText });
  readonly role = input(undefined, { transform: firstText });
  readonly sort = input(undefined, { transform: firstText });

  private readonly change = queryChanger();
  protected readonly initialOf = initialOf;
  protected readonly t = computed(() => texts().list);
  protected readonly SORTS = SORTS;
  protected readonly narrow = toSignal(
    inject(BreakpointObserver)
      .observe('(max-width: 48rem)')
      .pipe(map(({ matches }) => matches)),
    { initialValue: false },
  );

  private timer: ReturnType<typeof setTimeout> | undefined;
  // What is typed while an earlier search gets into the address stays.
  protected readonly words = linkedSignal<string, string>({
    source: () => this.q() ?? '',
    computation: (q, previous) => (this.timer && previous ? previous.value : q),
  });
  protected readonly isActive = computed(() =>
    this.active() === 'true' || this.active() === 'false' ? this.active() === 'true' : undefined,
  );
  protected readonly roleInvalid = linkedSignal({
    source: this.role,
    computation: (role) => !!role && !ROLE.test(role),
  });
  protected readonly order = computed(() => SORTS.find((each) => each === this.sort()) ?? '-created_at');
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

  protected type(text: string): void {
    this.words.set(text);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.search(), PAUSE);
  }

  protected search(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    const q = this.words().trim();
    // One step back leaves a search, not one of its letters.
    if (q !== (this.q() ?? '')) this.change({ q: q || null }, !!this.q());
  }

  protected toggle(active: boolean): void {
    this.change({ active: this.isActive() === active ? null : String(active) });
  }

  protected filterRole(text: string): void {
    const role = text.trim().toLowerCase();
    this.roleInvalid.set(!!role && !ROLE.test(role));
    if (!this.roleInvalid()) this.change({ role: role || null });
  }

  protected arrange(sort: string): void {
    this.change({ sort: sort === '-created_at' ? null : sort });
  }

  protected clear(field: HTMLInputElement): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.words.set('');
    this.change({ q: null, active: null, role: null });
    field.focus();
  }
}
