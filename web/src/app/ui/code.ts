import { Component, input, signal } from '@angular/core';

import { Icon } from './icon';
import { t } from './texts';

/** A text in a monospaced font, with a button that copies it. */
@Component({
  selector: 'app-code',
  imports: [Icon],
  template: `
    <button
      type="button"
      class="icon-button small"
      [attr.aria-label]="t().copy + ': ' + label()"
      (click)="copy()"
    >
      <app-icon [name]="copied() ? 'check' : 'content_copy'" />
    </button>
    <span class="visually-hidden" aria-live="polite">{{ copied() ? t().copied : '' }}</span>
    <pre tabindex="0" role="region" [attr.aria-label]="label()">{{ text() }}</pre>
  `,
  styles: `
    :host {
      display: block;
      position: relative;
    }
    button {
      position: absolute;
      inset-block-start: 0.5rem;
      inset-inline-end: 0.75rem;
      background: var(--mat-sys-surface-container);
    }
    pre {
      max-block-size: 32rem;
      margin: 0;
      padding: 1rem 3.5rem 1rem 1.5rem;
      border-block-start: 1px solid var(--line);
      overflow: auto;
      background: var(--mat-sys-surface-container-low);
      line-height: 1.6;
      white-space: pre-wrap;
      overflow-wrap: anywhere;
    }
  `,
})
export class Code {
  readonly text = input.required<string>();
  readonly label = input.required<string>();
  protected readonly copied = signal(false);
  protected readonly t = t;

  protected async copy(): Promise<void> {
    await navigator.clipboard.writeText(this.text());
    this.copied.set(true);
    setTimeout(() => this.copied.set(false), 2000);
  }
}
