import { Component, computed, input } from '@angular/core';

import type { Attempt } from '../api/models';
import { formatNumber } from '../kernel/time';
import { t as texts } from './log-texts';

/** The parts of an attempt's time, as a bar and in numbers. */
@Component({
  selector: 'app-timings',
  template: `
    <div class="bar" aria-hidden="true">
      @for (part of parts(); track part.name) {
        <span [class]="part.name" [style.flex-grow]="part.ms"></span>
      }
    </div>
    <dl [attr.aria-label]="t().timings">
      @for (part of parts(); track part.name) {
        <div>
          <dt><span class="dot" [class]="part.name" aria-hidden="true"></span>{{ t().parts[part.name] }}</dt>
          <dd>{{ show(part.ms) }}</dd>
        </div>
      }
      <div>
        <dt>{{ t().total }}</dt>
        <dd>{{ show(attempt().total_ms) }}</dd>
      </div>
    </dl>
    @if (reused()) {
      <p class="quiet small">{{ t().reused }}</p>
    }
  `,
  styles: `
    :host {
      display: grid;
      gap: 0.5rem;
    }
    .bar {
      display: flex;
      gap: 2px;
      block-size: 0.5rem;
      border-radius: 0.25rem;
      background: var(--mat-sys-surface-container-high);
      overflow: hidden;
    }
    .bar span {
      min-inline-size: 2px;
    }
    .resolve {
      background: light-dark(#6d5bd0, #b3a6ff);
    }
    .connect {
      background: light-dark(#1f77b4, #7fc1f0);
    }
    .tls {
      background: light-dark(#14866d, #6fd3bb);
    }
    .first {
      background: light-dark(#b5651d, #f0b070);
    }
    .rest {
      background: light-dark(#8a8a96, #8f8d9a);
    }
    dl {
      display: flex;
      flex-wrap: wrap;
      gap: 0.25rem 1.25rem;
      margin: 0;
      font-size: 0.8125rem;
    }
    dl div {
      display: flex;
      gap: 0.375rem;
    }
    dt {
      display: flex;
      align-items: center;
      gap: 0.375rem;
      color: var(--quiet);
    }
    dd {
      margin: 0;
      font-variant-numeric: tabular-nums;
    }
    .dot {
      inline-size: 0.625rem;
      block-size: 0.625rem;
      border-radius: 0.1875rem;
    }
  `,
})
export class Timings {
  readonly attempt = input.required<Attempt>();
  protected readonly t = computed(() => texts().delivery);
  protected readonly parts = computed(() => {
    const { resolve_ms, connect_ms, tls_ms, first_byte_ms, total_ms } = this.attempt();
    const all = [
      { name: 'resolve', ms: resolve_ms },
      { name: 'connect', ms: connect_ms },
      { name: 'tls', ms: tls_ms },
      { name: 'first', ms: first_byte_ms },
    ] as const;
    const known = all.flatMap(({ name, ms }) => (ms === null ? [] : [{ name, ms }]));
    const rest = total_ms - known.reduce((sum, { ms }) => sum + ms, 0);
    return [...known, ...(rest >= 0.1 ? [{ name: 'rest' as const, ms: rest }] : [])];
  });
  protected readonly reused = computed(() => {
    const { connect_ms, first_byte_ms } = this.attempt();
    return connect_ms === null && first_byte_ms !== null;
  });

  protected show(ms: number): string {
    return `${formatNumber(ms < 10 ? Math.round(ms * 10) / 10 : Math.round(ms))} ms`;
  }
}
