import { Component, computed, effect, ElementRef, input, viewChild } from '@angular/core';
import { MatButton } from '@angular/material/button';

import { problemOf } from '../kernel/problem';
import type { List } from '../kernel/read';
import { formatNumber } from '../kernel/time';
import { t } from './texts';

const MOST_COUNTED = 10_000; // the server counts no further

/** The foot of a list with pages: how much of it is shown, and the button that reads more. */
@Component({
  selector: 'app-list-foot',
  imports: [MatButton],
  template: `
    <p #count class="quiet small" role="status" tabindex="-1">{{ text() }}</p>
    @if (list().moreError(); as error) {
      <p class="failed small" role="alert">{{ explain(error) }}</p>
      <button mat-stroked-button type="button" (click)="list().reload()">{{ t().retry }}</button>
    } @else if (list().hasMore()) {
      <button
        #button
        mat-stroked-button
        type="button"
        [disabled]="list().isLoading()"
        disabledInteractive
        (click)="list().more()"
      >
        {{ t().more }}
      </button>
    }
  `,
  styles: `
    :host {
      display: flex;
      flex-wrap: wrap;
      align-items: center;
      justify-content: space-between;
      gap: 0.5rem 1rem;
      min-block-size: 3.25rem;
      padding: 0.5rem 1rem;
      border-block-start: 1px solid var(--line);
    }
    p:focus {
      outline: none;
    }
    .failed {
      color: var(--mat-sys-error);
    }
  `,
})
export class ListFoot {
  readonly list = input.required<List<unknown>>();
  protected readonly t = t;
  protected readonly text = computed(() => {
    const [items, total] = [this.list().items(), this.list().total()];
    if (!items || total === undefined) return '';
    const all = formatNumber(Math.max(total, items.length));
    return t().shown(formatNumber(items.length), total === MOST_COUNTED ? t().orMore(all) : all);
  });
  private readonly count = viewChild.required<ElementRef<HTMLElement>>('count');
  private readonly button = viewChild('button', { read: ElementRef<HTMLElement> });

  constructor() {
    let focused: HTMLElement | undefined;
    effect(() => {
      const button = this.button()?.nativeElement as HTMLElement | undefined;
      // The last page takes the button away, and the focus with it.
      if (!button && focused && document.activeElement === document.body) this.count().nativeElement.focus();
      focused = button;
    });
  }

  protected explain(error: unknown): string {
    return problemOf(error).detail;
  }
}
