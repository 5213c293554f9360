import { Component, computed, input } from '@angular/core';
import { MatButton } from '@angular/material/button';
import { RouterLink } from '@angular/router';

import { listEventTypes } from '../api/fn/webhooks/list-event-types';
import type { EventType } from '../api/models';
import { firstText, queryChanger } from '../kernel/query';
import { read } from '../kernel/read';
import { Filters, Search } from '../ui/filters';
import { Icon } from '../ui/icon';
import { Json } from '../ui/json';
import { Page } from '../ui/page';
import { Empty, Failure, Skeleton } from '../ui/states';
import { Marked } from './marked';
import { t as texts } from './texts';
import { topicsOf } from './topics';

/** The events that webhooks can receive. */
@Component({
  selector: 'app-catalog',
  imports: [Empty, Failure, Filters, Icon, Json, Marked, MatButton, Page, RouterLink, Search, Skeleton],
  template: `
    <a class="back small" routerLink="/webhooks"><app-icon name="arrow_back" />{{ all().back }}</a>
    <app-page [heading]="t().heading" [lead]="t().lead">
      <app-filters [label]="t().find">
        <app-search
          #search
          [label]="t().find"
          [value]="q() ?? ''"
          [pause]="0"
          (find)="change({ q: $event || null }, true)"
        />
      </app-filters>
      @if (catalog.error(); as error) {
        <div class="card"><app-failure [error]="error" (retry)="catalog.reload()" /></div>
      } @else if (!catalog.hasValue()) {
        <div class="card"><app-skeleton [rows]="8" /></div>
      } @else {
        <div class="stack">
          @for (topic of topics(); track topic.name) {
            <section class="card" [attr.aria-label]="topic.name">
              <h2>{{ topic.name }}</h2>
              @for (event of topic.events; track event.type) {
                <details>
                  <summary>
                    <app-icon name="chevron_right" />
                    <span>
                      <code>{{ event.type }}</code>
                      @if (event.description) {
                        <app-marked class="quiet small" [text]="event.description" />
                      }
                    </span>
                  </summary>
                  <div class="parts">
                    <div>
                      <h3>{{ t().example }}</h3>
                      <app-json [value]="bodyOf(event)" [label]="t().example + ' ' + event.type" />
                    </div>
                    <div>
                      <h3>{{ t().schema }}</h3>
                      <app-json [value]="event.schema" [label]="t().schema + ' ' + event.type" />
                    </div>
                  </div>
                </details>
              }
            </section>
          } @empty {
            <div class="card">
              <app-empty icon="search" [heading]="t().none" [text]="t().noneText">
                <button mat-stroked-button type="button" (click)="clear(search)">{{ t().clear }}</button>
              </app-empty>
            </div>
          }
        </div>
      }
    </app-page>
  `,
  styleUrl: '../ui/back.scss',
  styles: `
    h2 {
      padding: 1rem 1.25rem 0.75rem;
    }
    details {
      border-block-start: 1px solid var(--line);
    }
    summary {
      display: flex;
      align-items: flex-start;
      gap: 0.5rem;
      padding: 0.625rem 1.25rem;
      cursor: pointer;
      list-style: none;
    }
    summary::-webkit-details-marker {
      display: none;
    }
    summary:hover {
      background: var(--mat-sys-surface-container-low);
    }
    summary app-icon {
      color: var(--quiet);
    }
    details[open] > summary app-icon {
      transform: rotate(90deg);
    }
    summary span {
      min-inline-size: 0;
      overflow-wrap: anywhere;
    }
    summary .quiet {
      display: block;
      max-inline-size: 75ch;
    }
    .parts {
      display: grid;
      grid-template-columns: repeat(auto-fit, minmax(min(100%, 22rem), 1fr));
      gap: 1rem;
      padding: 0.25rem 1.25rem 1.25rem;
    }
    .parts > div {
      min-inline-size: 0;
    }
    h3 {
      margin-block-end: 0.5rem;
      font-size: 0.8125rem;
    }
    app-json {
      border: 1px solid var(--line);
      border-radius: 0.5rem;
      overflow: hidden;
    }
  `,
})
export class Catalog {
  /** From the URL. */
  readonly q = input(undefined, { transform: firstText });

  protected readonly change = queryChanger();
  protected readonly all = texts;
  protected readonly t = computed(() => texts().catalog);
  protected readonly catalog = read(listEventTypes, () => ({}));
  protected readonly topics = computed(() =>
    topicsOf(this.catalog.hasValue() ? this.catalog.value() : [], this.q() ?? ''),
  );

  /** The body of a request, as docs/webhooks.md describes it. */
  protected bodyOf({ type, example }: EventType): object {
    return { type, timestamp: '2026-01-31T12:00:00Z', data: example };
  }

  protected clear(search: Search): void {
    this.change({ q: null });
    search.clear();
  }
}
