import {
  Component,
  computed,
  DestroyRef,
  inject,
  input,
  linkedSignal,
  output,
  untracked,
} from '@angular/core';

import { texts } from '../kernel/language';
import type { QueryChange } from '../kernel/query';
import { now, timeZone } from '../kernel/time';
import { fromWallTime, wallTime } from '../kernel/wall-time';
import { Chip } from './filters';

const HOUR = 3_600_000;
const SPANS = { '1h': HOUR, '24h': 24 * HOUR, '7d': 7 * 24 * HOUR } as const;
type Span = keyof typeof SPANS;
const NAMES: readonly Span[] = ['1h', '24h', '7d'];
const PAUSE = 600; // ms between the last key and the search: each digit of a year is a change

const t = texts({
  en: {
    label: 'Time',
    spans: { '1h': 'Last hour', '24h': 'Last 24 hours', '7d': 'Last 7 days' },
    custom: 'From and until',
    from: 'From',
    until: 'Until',
  },
  de: {
    label: 'Zeit',
    spans: { '1h': 'Letzte Stunde', '24h': 'Letzte 24 Stunden', '7d': 'Letzte 7 Tage' },
    custom: 'Von und bis',
    from: 'Von',
    until: 'Bis',
  },
});

/** A time range in the address of a page: `last`, or `from` and `until` (RFC 3339). */
export interface Range {
  readonly last?: string | undefined;
  readonly from?: string | undefined;
  readonly until?: string | undefined;
}
export const NO_RANGE = { last: null, from: null, until: null };

/** The parameters of a request for this range. A span such as the last hour ends now, and stays until it is chosen again. */
export function boundsOf({ last, from, until }: Range): { from?: string; until?: string } {
  const span = NAMES.find((each) => each === last);
  if (span) return { from: new Date(untracked(now) - SPANS[span]).toISOString() };
  // The server refuses malformed ones, and the page says so.
  return { ...(from ? { from } : {}), ...(until ? { until } : {}) };
}

/** Chips that filter a list by time, and two fields for other times, in the person's time zone. */
@Component({
  selector: 'app-time-range',
  imports: [Chip],
  host: { role: 'group', '[attr.aria-label]': 't().label' },
  template: `
    @for (each of NAMES; track each) {
      <button app-chip [pressed]="chosen() === each" (click)="choose(each)">{{ t().spans[each] }}</button>
    }
    <button app-chip [pressed]="custom()" (click)="toggle()">{{ t().custom }}</button>
    @if (custom()) {
      <span class="fields">
        @for (side of SIDES; track side) {
          <label>
            {{ t()[side] }}
            <input #field type="datetime-local" [value]="shown()[side]" (change)="type(side, field.value)" />
          </label>
        }
      </span>
    }
  `,
  styles: `
    :host,
    .fields {
      display: flex;
      flex-wrap: wrap;
      gap: 0.25rem 0.5rem;
    }
    label {
      display: flex;
      align-items: center;
      gap: 0.5rem;
      color: var(--quiet);
      font-size: 0.8125rem;
      font-weight: 500;
    }
    input {
      inline-size: auto !important;
    }
    @media (max-width: 40rem) {
      .fields,
      label {
        inline-size: 100%;
        justify-content: space-between;
      }
    }
  `,
})
export class TimeRange {
  readonly range = input.required<Range>();
  readonly changed = output<QueryChange>();

  protected readonly t = t;
  protected readonly NAMES = NAMES;
  protected readonly SIDES = ['from', 'until'] as const;
  protected readonly chosen = computed(() => NAMES.find((each) => each === this.range().last));
  protected readonly custom = linkedSignal(() => {
    const { from, until } = this.range();
    return !this.chosen() && (!!from || !!until);
  });
  protected readonly shown = computed(() => {
    const { from = '', until = '' } = this.range();
    return { from: wallTime(from, timeZone()), until: wallTime(until, timeZone()) };
  });
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    inject(DestroyRef).onDestroy(() => clearTimeout(this.timer));
  }

  protected choose(span: Span): void {
    this.custom.set(false);
    this.changed.emit({ ...NO_RANGE, last: this.chosen() === span ? null : span });
  }

  protected toggle(): void {
    this.custom.update((open) => !open);
    if (!this.custom()) this.changed.emit(NO_RANGE);
  }

  protected type(side: 'from' | 'until', text: string): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(
      () => this.changed.emit({ last: null, [side]: fromWallTime(text, timeZone()) }),
      PAUSE,
    );
  }
}
