import { Component, computed, inject, input, signal } from '@angular/core';
import { MatButton } from '@angular/material/button';
import { Router, RouterLink } from '@angular/router';

import { getDeadLetter } from '../api/fn/operations/get-dead-letter';
import { problemOf } from '../kernel/problem';
import { read } from '../kernel/read';
import { formatNumber } from '../kernel/time';
import { Copyable } from '../ui/copyable';
import { Icon } from '../ui/icon';
import { Json } from '../ui/json';
import { Page } from '../ui/page';
import { Failure, Skeleton } from '../ui/states';
import { Time } from '../ui/time';
import { Decisions, type Verb } from './decisions';
import { t as texts } from './texts';

@Component({
  selector: 'app-dead-letter',
  imports: [Copyable, Failure, Icon, Json, MatButton, Page, RouterLink, Skeleton, Time],
  providers: [Decisions],
  template: `
    <a class="back" routerLink="/operations/dead-letters"><app-icon name="arrow_back" />{{ t().back }}</a>
    <app-page [heading]="heading()">
      @if (letter.hasValue()) {
        <div actions>
          <button mat-flat-button type="button" [disabled]="busy()" (click)="decide('retry')">
            {{ all().retry }}
          </button>
          <button
            mat-stroked-button
            type="button"
            class="danger-text"
            [disabled]="busy()"
            (click)="decide('discard')"
          >
            {{ all().discard }}
          </button>
        </div>
      }
      @if (letter.error(); as error) {
        <div class="card">
          <app-failure [error]="error" (retry)="letter.reload()">
            @if (problemOf(error).status === 404) {
              <a mat-stroked-button routerLink="/operations/dead-letters">{{ t().back }}</a>
            }
          </app-failure>
        </div>
        @if (problemOf(error).status === 404) {
          <p class="quiet small note">{{ t().missing }}</p>
        }
      } @else if (letter.hasValue()) {
        @let value = letter.value();
        <div class="stack">
          <div class="banner danger">
            <app-icon name="error" />
            <p class="reason">{{ value.reason ?? t().noReason }}</p>
          </div>
          <section class="card body" aria-labelledby="facts">
            <h2 id="facts">{{ t().facts }}</h2>
            <dl>
              <dt>{{ t().kind }}</dt>
              <dd>
                <span class="badge">{{ all().kinds[value.kind] ?? value.kind }}</span>
              </dd>
              <dt>{{ t().attempts }}</dt>
              <dd>{{ formatNumber(value.attempts) }}</dd>
              <dt>{{ t().created }}</dt>
              <dd><app-time [at]="value.created_at" /></dd>
              <dt>{{ t().failed }}</dt>
              <dd><app-time [at]="value.dead_at" /></dd>
              @if (value.event_key; as key) {
                <dt>{{ t().key }}</dt>
                <dd class="row">
                  <app-copyable [text]="key" />
                  <a class="small" routerLink="/operations/dead-letters" [queryParams]="{ key }">{{
                    t().sameKey
                  }}</a>
                </dd>
              }
              @if (value.place; as place) {
                <dt>{{ t().place }}</dt>
                <dd><app-copyable [text]="place" /></dd>
              }
              <dt>{{ t().id }}</dt>
              <dd><app-copyable [text]="value.id" /></dd>
            </dl>
            @if (t().effect[value.kind]; as effect) {
              <p class="quiet small effect">{{ effect }}</p>
            }
          </section>
          <section class="card">
            <h2 id="data" class="head">{{ t().data }}</h2>
            @if (value.data; as data) {
              <app-json [value]="data" [label]="t().data" />
            } @else {
              <p class="quiet head small">{{ t().noData }}</p>
              <app-json [value]="value" [label]="t().json" />
            }
          </section>
        </div>
      } @else {
        <div class="card"><app-skeleton [rows]="5" /></div>
      }
    </app-page>
  `,
  styleUrl: './details.scss',
  styles: `
    [actions] {
      display: flex;
      flex-wrap: wrap;
      gap: 0.5rem;
    }
    .note {
      margin: 0.75rem 1.25rem;
    }
    .reason {
      min-inline-size: 0;
      overflow-wrap: anywhere;
    }
    dl {
      align-items: center;
    }
    .effect {
      margin-block-start: 1rem;
    }
    .head {
      padding: 1.25rem 1.5rem 0;
    }
    .head + .head {
      padding-block-start: 0.25rem;
    }
    app-json {
      margin-block-start: 1rem;
      border-radius: 0 0 0.75rem 0.75rem;
      overflow: hidden;
    }
  `,
})
export class DeadLetterPage {
  /** From the path. */
  readonly id = input.required<string>();

  private readonly router = inject(Router);
  private readonly decisions = inject(Decisions);
  protected readonly all = texts;
  protected readonly t = computed(() => texts().one);
  protected readonly letter = read(getDeadLetter, () => ({ id: this.id() }));
  protected readonly heading = computed(() =>
    this.letter.hasValue() ? this.letter.value().type : this.t().heading,
  );
  protected readonly busy = signal(false);
  protected readonly problemOf = problemOf;
  protected readonly formatNumber = formatNumber;

  protected async decide(verb: Verb): Promise<void> {
    this.busy.set(true);
    if (await this.decisions.decideOne(verb, this.id())) {
      await this.router.navigateByUrl('/operations/dead-letters');
    }
    this.busy.set(false);
  }
}
