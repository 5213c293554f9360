import { NgTemplateOutlet } from '@angular/common';
import { Component, computed, contentChild, effect, input, signal, type TemplateRef } from '@angular/core';

import type { List } from '../kernel/read';
import { ListFoot } from './list-foot';
import { Failure, Skeleton } from './states';

/**
 * The card of a list with pages: a failure, a skeleton, the empty state, or the items and the foot that reads more.
 *
 *     <app-list [list]="users" tableFrom="48rem">
 *       <ng-template #empty><app-empty … /></ng-template>
 *       <ng-template #rows><ul class="rows">@for (user of users.items(); track user.id) { … }</ul></ng-template>
 *       <ng-template #table><table>…</table></ng-template>
 *     </app-list>
 *
 * Windows that are narrower than `tableFrom` show the rows. One of both templates may be left out.
 */
@Component({
  selector: 'app-list',
  imports: [Failure, ListFoot, NgTemplateOutlet, Skeleton],
  host: { class: 'card', '[attr.aria-busy]': 'list().isLoading()' },
  template: `
    @if (!list().moreError() && list().error(); as error) {
      <app-failure [error]="error" (retry)="list().reload()" />
    } @else if (list().items(); as items) {
      @if (!items.length) {
        <ng-container [ngTemplateOutlet]="empty()" />
      } @else {
        <div [class.table]="content() === table()" [class.busy]="list().isLoading()">
          <ng-container [ngTemplateOutlet]="content()" />
        </div>
        <app-list-foot [list]="list()" />
      }
    } @else {
      <app-skeleton [rows]="8" />
    }
  `,
  styles: `
    :host {
      display: block;
    }
    .busy {
      opacity: 0.6;
    }
  `,
})
export class AppList {
  readonly list = input.required<List<unknown>>();
  /** A length of CSS. */
  readonly tableFrom = input('48rem');
  protected readonly empty = contentChild.required<TemplateRef<unknown>>('empty');
  protected readonly table = contentChild<TemplateRef<unknown>>('table');
  private readonly rows = contentChild<TemplateRef<unknown>>('rows');
  private readonly narrow = signal(false);
  protected readonly content = computed(
    () => (this.narrow() ? (this.rows() ?? this.table()) : (this.table() ?? this.rows())) ?? null,
  );

  constructor() {
    effect((onCleanup) => {
      const query = matchMedia(`(width < ${this.tableFrom()})`);
      const note = () => this.narrow.set(query.matches);
      note();
      query.addEventListener('change', note);
      onCleanup(() => query.removeEventListener('change', note));
    });
  }
}
