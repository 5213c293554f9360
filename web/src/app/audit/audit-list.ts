import { BreakpointObserver } from '@angular/cdk/layout';
import { Component, computed, inject, input, linkedSignal, signal } from '@angular/core';
import { toSignal } from '@angular/core/rxjs-interop';
import { MatButton } from '@angular/material/button';
import { MatDialog } from '@angular/material/dialog';
import { Router, RouterLink } from '@angular/router';
import { firstValueFrom, map } from 'rxjs';

import { listAuditEntries } from '../api/fn/audit/list-audit-entries';
import { getUser } from '../api/fn/users/get-user';
import type { AuditEntry } from '../api/models';
import { UsersService } from '../api/services';
import { problemOf } from '../kernel/problem';
import { read, readList } from '../kernel/read';
import { Session } from '../kernel/session';
import { Icon } from '../ui/icon';
import { ListFoot } from '../ui/list-foot';
import { Page } from '../ui/page';
import { Empty, Failure, Skeleton } from '../ui/states';
import { Time } from '../ui/time';
import { Entry, type Shown } from './entry';
import { subjectOf } from './subject';
import { t as texts } from './texts';

const ID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const TYPE = /^[a-z_]+\.[a-z_]+$/;

/** All audit entries, newest first. The filters are in the address, so that it can be reloaded and shared. */
@Component({
  selector: 'app-audit-list',
  imports: [Empty, Failure, Icon, ListFoot, MatButton, Page, RouterLink, Skeleton, Time],
  templateUrl: './audit-list.html',
  styleUrls: ['../ui/filters.scss', './audit-list.scss'],
})
export class AuditList {
  /** Id of the account that the entries are about, or that caused them. */
  readonly person = input<string>();
  readonly type = input<string>();

  private readonly router = inject(Router);
  private readonly users = inject(UsersService);
  private readonly dialogs = inject(MatDialog);
  private readonly session = inject(Session);
  protected readonly t = computed(() => texts().list);
  protected readonly types = computed(() => Object.entries(texts().types));
  protected readonly narrow = toSignal(
    inject(BreakpointObserver)
      .observe('(max-width: 56rem)')
      .pipe(map(({ matches }) => matches)),
    { initialValue: false },
  );

  protected readonly personId = computed(() => {
    const id = this.person() ?? '';
    return ID.test(id) ? id : undefined;
  });
  protected readonly kind = computed(() => {
    const type = this.type() ?? '';
    return TYPE.test(type) ? type : undefined;
  });
  /** A type in the address that the application has no name for. */
  protected readonly otherType = computed(() => {
    const kind = this.kind();
    return kind && !(kind in texts().types) ? kind : undefined;
  });
  protected readonly filtered = computed(() => this.personId() !== undefined || this.kind() !== undefined);

  protected readonly entries = readList(listAuditEntries, () => ({
    user_id: this.personId(),
    type: this.kind(),
    limit: 50,
  }));
  private readonly account = read(getUser, () => {
    const id = this.personId();
    return id === undefined ? undefined : { id };
  });
  /** The address of the person in the filter, or the id where the account is deleted. */
  protected readonly personName = computed(() => {
    const user = this.account.hasValue() ? this.account.value() : undefined;
    return user?.email ?? this.personId();
  });
  protected readonly sought = linkedSignal({ source: this.personId, computation: () => '' });
  protected readonly refused = linkedSignal<string | undefined, string | null>({
    source: this.personId,
    computation: () => null,
  });
  protected readonly searching = signal(false);

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
  protected async find(text: string): Promise<void> {
    const wanted = text.trim();
    this.sought.set(text);
    this.refused.set(null);
    if (!wanted || this.searching()) return;
    if (ID.test(wanted)) {
      this.go({ person: wanted.toLowerCase() });
      return;
    }
    this.searching.set(true);
    try {
      const { items } = await firstValueFrom(this.users.listUsers({ q: wanted.slice(0, 100), limit: 20 }));
      const user = items.find(({ email }) => email.toLowerCase() === wanted.toLowerCase());
      if (user) this.go({ person: user.id });
      else this.refused.set(this.t().unknownPerson);
    } catch (error) {
      this.refused.set(problemOf(error).detail);
    } finally {
      this.searching.set(false);
    }
  }

  protected filterType(type: string): void {
    this.go({ type: type || null });
  }

  protected leavePerson(field: HTMLInputElement): void {
    this.go({ person: null });
    field.focus();
  }

  protected clear(field: HTMLInputElement): void {
    this.go({ person: null, type: null });
    field.focus();
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

  private go(queryParams: { person?: string | null; type?: string | null }): void {
    void this.router.navigate([], { queryParams, queryParamsHandling: 'merge' });
  }
}
