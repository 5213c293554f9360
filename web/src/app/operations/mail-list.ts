import { Component, computed, ElementRef, inject, input, linkedSignal } from '@angular/core';
import { MatButton } from '@angular/material/button';
import { RouterLink } from '@angular/router';

import { listMails } from '../api/fn/mails/list-mails';
import { firstText, queryChanger } from '../kernel/query';
import { readList } from '../kernel/read';
import { refreshEvery } from '../kernel/refresh';
import { Icon } from '../ui/icon';
import { ListFoot } from '../ui/list-foot';
import { Page } from '../ui/page';
import { Empty, Failure, Skeleton } from '../ui/states';
import { Time } from '../ui/time';
import { MailState } from './mail-state';
import { t as texts } from './mail-texts';

const ID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const STATES = ['queued', 'sent', 'delayed', 'refused', 'skipped'] as const;
const LIMIT = 25;

/** The mails that workers sent. The filters are in the address, so that it can be reloaded and shared. */
@Component({
  selector: 'app-mail-list',
  imports: [Empty, Failure, Icon, ListFoot, MailState, MatButton, Page, RouterLink, Skeleton, Time],
  styleUrls: ['../ui/filters.scss', './mail-list.scss'],
  template: `
    <app-page [heading]="t().heading" [lead]="t().lead">
      <div class="filters" role="search" [attr.aria-label]="t().filter">
        <div class="search">
          <app-icon name="search" />
          <input
            #field
            type="search"
            autocomplete="off"
            spellcheck="false"
            [attr.aria-label]="t().recipient"
            [attr.aria-invalid]="refused()"
            [attr.aria-describedby]="refused() ? 'recipient-note' : null"
            [placeholder]="t().recipient"
            [value]="sought()"
            (change)="find(field.value)"
          />
        </div>
        <select
          #templates
          [attr.aria-label]="t().template"
          [value]="template() ?? ''"
          (change)="change({ template: templates.value || null })"
        >
          <option value="">{{ t().anyTemplate }}</option>
          @for (each of names(); track each[0]) {
            <option [value]="each[0]" [selected]="each[0] === template()">{{ each[1] }}</option>
          }
        </select>
        <select
          #states
          [attr.aria-label]="t().state"
          [value]="known() ?? ''"
          (change)="change({ state: states.value || null })"
        >
          <option value="">{{ t().anyState }}</option>
          @for (each of STATES; track each) {
            <option [value]="each" [selected]="each === known()">{{ all().states[each] }}</option>
          }
        </select>
        @if (filtered()) {
          <button mat-button type="button" (click)="clear(field)">{{ t().clear }}</button>
        }
      </div>
      @if (refused()) {
        <p id="recipient-note" class="refused small" role="alert">{{ t().invalid }}</p>
      }

      <div class="card">
        @if (!mails.items() && mails.error(); as error) {
          <app-failure [error]="error" (retry)="mails.reload()" />
        } @else {
          @if (mails.items(); as items) {
            @if (items.length) {
              <ul class="rows" [attr.aria-label]="t().rows">
                @for (mail of items; track mail.id) {
                  <li class="mail">
                    <div class="grow">
                      <a [routerLink]="['/operations/mails', mail.id]">{{
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
              <app-list-foot [list]="mails" />
            } @else if (filtered()) {
              <app-empty icon="search" [heading]="t().emptyFiltered" [text]="t().emptyFilteredText">
                <button mat-stroked-button type="button" (click)="clear(field)">{{ t().clear }}</button>
              </app-empty>
            } @else {
              <app-empty icon="mail" [heading]="t().empty" [text]="t().emptyText" />
            }
          } @else {
            <app-skeleton [rows]="6" />
          }
        }
      </div>
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
  private readonly host = inject<ElementRef<HTMLElement>>(ElementRef).nativeElement;
  protected readonly all = texts;
  protected readonly t = computed(() => texts().list);
  protected readonly STATES = STATES;
  protected readonly names = computed(() => {
    const { templates } = texts();
    const names = Object.entries(templates).map(([name, text]) => [name, text ?? name] as const);
    const other = this.template();
    if (other && !(other in templates)) names.push([other, other]);
    return names.sort(([, one], [, two]) => one.localeCompare(two));
  });
  protected readonly known = computed(() => STATES.find((each) => each === this.state()));
  protected readonly filtered = computed(
    () => !!this.person() || !!this.recipient() || !!this.template() || !!this.state(),
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
    refreshEvery(10, () => {
      // Further pages stay as they were read.
      if ((this.mails.items()?.length ?? 0) <= LIMIT && !this.mails.isLoading()) this.mails.reload();
    });
  }

  protected find(text: string): void {
    const wanted = text.trim();
    const isId = ID.test(wanted);
    this.refused.set(!!wanted && !isId && !/^[^@\s]+@[^@\s]+$/.test(wanted));
    if (this.refused()) return;
    this.change({
      person: isId ? wanted.toLowerCase() : null,
      recipient: isId ? null : wanted || null,
    });
  }

  protected clear(field: HTMLInputElement): void {
    field.value = '';
    this.refused.set(false);
    this.change({ person: null, recipient: null, template: null, state: null });
    this.host.querySelector('input')?.focus();
  }
}
