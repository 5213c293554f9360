import { Component, computed } from '@angular/core';
import { MatButton } from '@angular/material/button';

import { verifyAudit } from '../api/fn/audit/verify-audit';
import { problemOf } from '../kernel/problem';
import { read } from '../kernel/read';
import { Copyable } from '../ui/copyable';
import { Icon } from '../ui/icon';
import { Time } from '../ui/time';
import { t as texts } from './texts';

/** The check of the last entries of the chain, which the server makes, and the command for the whole chain. */
@Component({
  selector: 'app-chain',
  imports: [Copyable, Icon, MatButton, Time],
  host: { class: 'card' },
  template: `
    <div class="row" aria-live="polite">
      @if (check.error(); as error) {
        <app-icon name="warning" class="caution" />
        <p class="grow">{{ t().failed }} {{ explain(error) }}</p>
      } @else if (check.hasValue()) {
        @let found = check.value();
        @if (found.broken; as reason) {
          <app-icon name="error" class="bad" />
          <p class="grow">
            <strong>{{ t().broken }}</strong> <span lang="en">{{ reason }}</span>
          </p>
        } @else {
          <app-icon name="verified" class="good" />
          <p class="grow">
            {{ found.checked ? t().intact(found) : t().none }}
            <span class="quiet small">{{ t().checked }} <app-time [at]="found.checked_at" /></span>
          </p>
        }
      } @else {
        <p class="grow quiet">{{ t().checking }}</p>
      }
      <button
        mat-button
        type="button"
        [disabled]="check.isLoading()"
        disabledInteractive
        (click)="check.reload()"
      >
        {{ t().again }}
      </button>
    </div>
    <!-- Always there: what follows must not move when the answer comes. -->
    <details>
      <summary>{{ t().whole }}</summary>
      <p class="quiet small">{{ t().wholeText }}</p>
      <app-copyable [text]="command()" />
    </details>
  `,
  styles: `
    :host {
      display: block;
      margin-block-end: 1rem;
      padding: 0.5rem 0.75rem 0.5rem 1rem;
      font-size: 0.875rem;
    }
    .row {
      flex-wrap: nowrap;
    }
    .grow {
      flex: 1;
      min-inline-size: 0;
      overflow-wrap: anywhere;
    }
    .good {
      color: var(--good);
    }
    .caution {
      color: var(--caution);
    }
    .bad {
      color: var(--mat-sys-error);
    }
    summary {
      inline-size: fit-content;
      padding-block: 0.25rem;
      color: var(--quiet);
      font-size: 0.8125rem;
      cursor: pointer;
    }
    details[open] {
      padding-block-end: 0.5rem;
    }
  `,
})
export class Chain {
  protected readonly t = computed(() => texts().verification);
  protected readonly check = read(verifyAudit, () => ({}));
  protected readonly command = computed(() => {
    const found = this.check.hasValue() ? this.check.value() : undefined;
    return found?.checked ? `make audit EXPECT=${String(found.last)}:${found.hash}` : 'make audit';
  });

  protected explain(error: unknown): string {
    return problemOf(error).detail;
  }
}
