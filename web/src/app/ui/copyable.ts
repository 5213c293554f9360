import { Component, input, signal } from '@angular/core';

import { Icon } from './icon';
import { t } from './texts';

/**
 * An id or another text with a button that copies it. `short` shows that many of its last characters: ids begin with
 * their time, which they share.
 */
@Component({
  selector: 'app-copyable',
  imports: [Icon],
  template: `
    <code [class.short]="short()" [attr.title]="short() ? text() : null">{{
      short() ? '…' + text().slice(-short()) : text()
    }}</code>
    <button
      type="button"
      class="icon-button small"
      [attr.aria-label]="t().copy + ': ' + text()"
      (click)="copy()"
    >
      <app-icon [name]="copied() ? 'check' : 'content_copy'" />
    </button>
    <span class="visually-hidden" aria-live="polite">{{ copied() ? t().copied : '' }}</span>
  `,
  styles: `
    :host {
      display: inline-flex;
      align-items: center;
      gap: 0.125rem;
      min-inline-size: 0;
    }
    code {
      overflow-wrap: anywhere;
    }
    .short {
      white-space: nowrap;
    }
  `,
})
export class Copyable {
  readonly text = input.required<string>();
  readonly short = input(0);
  protected readonly copied = signal(false);
  protected readonly t = t;

  protected async copy(): Promise<void> {
    await navigator.clipboard.writeText(this.text());
    this.copied.set(true);
    setTimeout(() => this.copied.set(false), 2000);
  }
}
