import { Component, computed, input, linkedSignal } from '@angular/core';
import { MatButton } from '@angular/material/button';
import { RouterLink } from '@angular/router';

import { listMails } from '../api/fn/mails/list-mails';
import { firstText, queryChanger } from '../kernel/query';
import { readList } from '../kernel/read';
import { refreshHinted } from '../kernel/refresh';
import { Cover } from '../ui/cover';
import { Choice, Filters, Search } from '../ui/filters';
import { AppList } from '../ui/list';
import { Page } from '../ui/page';
import { Empty } from '../ui/states';
import { Time } from '../ui/time';
import { MailState } from './mail-state';
import { t as texts } from './mail-texts';

const ID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const STATES = ['queued', 'sent', 'delayed', 'refused', 'skipped'] as const;
const LIMIT = 25;

/** The mails that workers sent. The filters are in the address, so that it can be reloaded and shared. */
@Component({
  selector: 'app-mail-list',
  imports: [AppList, Choice, Cover, Empty, Filters, MailState, MatButton, Page, RouterLink, Search, Time],
  styleUrl: './mail-list.scss',
  template: `
    <app-page [heading]="t().heading" [lead]="t().lead">
      <app-filters [label]="t().filter">
        <app-search
          #search
          [label]="t().recipient"
          [value]="sought()"
          [error]="refused() ? t().invalid : null"
          (find)="find($event)"
        />
        <app-choice
          [label]="t().template"
          [options]="names()"
          [value]="template() ?? ''"
          (choose)="change({ template: $event || null })"
        />
        <app-choice
          [label]="t().state"
          [options]="states()"
          [value]="known() ?? ''"
          (choose)="change({ state: $event || null })"
        />
        @if (filtered()) {
          <button mat-button type="button" (click)="clear(search)">{{ t().clear }}</button>
        }
      </app-filters>

      <app-list [list]="mails">
        <ng-template #empty>
          @if (filtered()) {
            <app-empty icon="search" [heading]="t().emptyFiltered" [text]="t().emptyFilteredText">
              <button mat-stroked-button type="button" (click)="clear(search)">{{ t().clear }}</button>
            </app-empty>
          } @else {
            <app-empty icon="mail" [heading]="t().empty" [text]="t().emptyText" />
          }
        </ng-template>
        <ng-template #rows>
          <ul class="rows" [attr.aria-label]="t().rows">
            @for (mail of mails.items(); track mail.id) {
              <li>
                <div class="grow">
                  <a app-cover [routerLink]="['/operations/mails', mail.id]">{{
                    all().templates[mail.template] ?? mail.template
                  }}</a>
                  <p class="quiet small">
                    {{ mail.recipient ?? t().noRecipient }}
                    @if (mail.attempts > 1) {
                      · {{ t().attempts(mail.attempts) }}
                    }
                  </p>
                </div>
                <div class="end">
                  <app-mail-state [state]="mail.state" />
                  <span class="quiet small"><app-time [at]="mail.updated_at" /></span>
                </div>
              </li>
            }
          </ul>
        </ng-template>
      </app-list>
    </app-page>
  `,
})
export class MailList {
  /** From the URL: an account's id, a complete address, a template, a state. */
  readonly person = input(undefined, { transform: firstText });
  readonly recipient = input(undefined, { transform: firstText });
  readonly template = input(undefined, { transform: firstText });
  readonly state = input(undefined, { transform: firstText });

  protected readonly change = queryChanger();
  protected readonly all = texts;
  protected readonly t = computed(() => texts().list);
  protected readonly names = computed(() => {
    const names = Object.entries(texts().templates).map(([name, text]) => [name, text ?? name] as const);
    return [['', this.t().anyTemplate] as const, ...names.sort(([, one], [, two]) => one.localeCompare(two))];
  });
  protected readonly known = computed(() => STATES.find((each) => each === this.state()));
  protected readonly states = computed(() => [
    ['', this.t().anyState] as const,
    ...STATES.map((each) => [each, texts().states[each]] as const),
  ]);
  protected readonly filtered = computed(
    () => !!this.person() || !!this.recipient() || !!this.template() || !!this.known(),
  );
  protected readonly sought = computed(() => this.recipient() ?? this.person() ?? '');
  protected readonly refused = linkedSignal<string, boolean>({
    source: this.sought,
    computation: () => false,
  });
  protected readonly mails = readList(listMails, () => ({
    // The server refuses malformed ones, and the page says so.
    user_id: this.person(),
    recipient: this.recipient(),
    template: this.template(),
    state: this.known(),
    limit: LIMIT,
  }));

  constructor() {
    refreshHinted(['mails.*', 'mails.attempts'], this.mails);
  }

  protected find(wanted: string): void {
    const isId = ID.test(wanted);
    this.refused.set(!!wanted && !isId && !/^[^@\s]+@[^@\s]+$/.test(wanted));
    if (this.refused()) return;
    this.change({
      person: isId ? wanted.toLowerCase() : null,
      recipient: isId ? null : wanted || null,
    });
  }

  protected clear(search: Search): void {
    this.refused.set(false);
    this.change({ person: null, recipient: null, template: null, state: null });
    search.clear();
  }
}
