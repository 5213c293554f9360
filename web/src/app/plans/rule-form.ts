import { HttpResponse } from '@angular/common/http';
import {
  afterNextRender,
  Component,
  computed,
  inject,
  input,
  linkedSignal,
  output,
  signal,
} from '@angular/core';
import { form, FormField, FormRoot, required, validate } from '@angular/forms/signals';
import { MatButton } from '@angular/material/button';
import { firstValueFrom } from 'rxjs';

import type { RateLimit } from '../api/models';
import { PlansService } from '../api/services';
import { problemOf } from '../kernel/problem';
import { submit } from '../kernel/submit';
import { AppField } from '../ui/field';
import { FormError } from '../ui/form-error';
import { nameUnit, split, toSeconds, type Unit, UNITS } from './amounts';
import { PathField } from './path-field';
import { t as texts } from './texts';

const MOST_REQUESTS = 1_000_000_000;
const LONGEST_DAYS = 31;
const MOST_CALLS = 1_000_000_000_000;
const QUOTA_PERIODS = ['month', 'day'] as const;
type QuotaPeriod = (typeof QUOTA_PERIODS)[number];

const COMPARED = ['path', 'limit', 'period', 'quota', 'quota_period'] as const;

interface Values {
  readonly path: string;
  readonly limit: number | null;
  readonly period: number | null;
  readonly unit: Unit;
  readonly quota: number | null;
  readonly quotaPeriod: QuotaPeriod;
}

/** The form of a new rate limit, or that of `rule`. */
@Component({
  selector: 'app-rule-form',
  imports: [AppField, FormError, FormField, FormRoot, MatButton, PathField],
  template: `
    <form [formRoot]="form">
      <app-form-error [form]="form" />
      @if (newer(); as now) {
        <p class="banner caution" role="alert">
          {{ t().conflict(now.path, limitText(now)) }}
        </p>
      }
      <app-path-field [field]="form.path" [hint]="t().pathHint" />
      <div class="amounts">
        <app-field [label]="t().limit">
          <input type="number" inputmode="numeric" step="1" [formField]="form.limit" />
        </app-field>
        <app-field [label]="t().period">
          <input type="number" inputmode="numeric" step="1" [formField]="form.period" />
        </app-field>
        <app-field [label]="t().unit">
          <select [formField]="form.unit">
            @for (each of UNITS; track each) {
              <option [value]="each">{{ nameUnit(form.period().value() ?? 0, each) }}</option>
            }
          </select>
        </app-field>
      </div>
      <div class="amounts quota">
        <app-field [label]="t().quota" [optional]="true" [hint]="t().quotaHint">
          <input type="number" inputmode="numeric" step="1" [formField]="form.quota" />
        </app-field>
        <app-field [label]="t().quotaPeriod">
          <select [formField]="form.quotaPeriod">
            @for (each of QUOTA_PERIODS; track each) {
              <option [value]="each">{{ t().quotaPeriods[each] }}</option>
            }
          </select>
        </app-field>
      </div>
      <div class="form-actions">
        <button mat-flat-button [disabled]="form().submitting()" disabledInteractive>
          {{ rule() ? t().save : t().create }}
        </button>
        <button mat-button type="button" [disabled]="form().submitting()" (click)="cancelled.emit()">
          {{ t().cancel }}
        </button>
      </div>
    </form>
  `,
  styles: `
    .amounts {
      display: grid;
      grid-template-columns: repeat(3, minmax(0, 1fr));
      gap: 0.75rem;
      max-inline-size: 36rem;
    }
    .quota {
      grid-template-columns: minmax(0, 2fr) minmax(0, 1fr);
    }
    app-path-field {
      max-inline-size: 36rem;
    }
    @media (max-width: 30rem) {
      .amounts:not(.quota) {
        grid-template-columns: repeat(2, minmax(0, 1fr));
      }
      .quota {
        grid-template-columns: minmax(0, 1fr);
      }
      .amounts:not(.quota) app-field:first-child {
        grid-column: 1 / -1;
      }
    }
  `,
})
export class RuleForm {
  readonly target = input.required<number>();
  readonly rule = input<RateLimit>();
  readonly saved = output<RateLimit>();
  readonly cancelled = output();

  private readonly plans = inject(PlansService);
  protected readonly UNITS = UNITS;
  protected readonly QUOTA_PERIODS = QUOTA_PERIODS;
  protected readonly nameUnit = nameUnit;
  protected readonly t = computed(() => texts().rule);
  /** The rate limit as another superuser changed it since it was read. */
  protected readonly newer = signal<RateLimit | undefined>(undefined);
  private etag: string | undefined;

  private readonly values = linkedSignal<Values>(() => {
    const rule = this.rule();
    if (!rule) {
      return { path: '', limit: 100, period: 1, unit: 'minute', quota: null, quotaPeriod: 'month' };
    }
    const { path, limit, quota, quota_period } = rule;
    const { amount, unit } = split(rule.period);
    return { path, limit, period: amount, unit, quota, quotaPeriod: quota_period ?? 'month' };
  });
  protected readonly form = form(
    this.values,
    (path) => {
      required(path.path);
      required(path.limit);
      required(path.period);
      validate(path.limit, ({ value }) => {
        const limit = value();
        return limit === null || (Number.isInteger(limit) && limit >= 1 && limit <= MOST_REQUESTS)
          ? undefined
          : { kind: 'range', message: this.t().limitRange };
      });
      validate(path.quota, ({ value }) => {
        const quota = value();
        return quota === null || (Number.isInteger(quota) && quota >= 1 && quota <= MOST_CALLS)
          ? undefined
          : { kind: 'range', message: this.t().quotaRange };
      });
      validate(path.period, ({ value, valueOf }) => {
        const [period, unit] = [value(), valueOf(path.unit)];
        const longest = toSeconds(LONGEST_DAYS, 'day');
        return period === null ||
          (Number.isInteger(period) && period >= 1 && toSeconds(period, unit) <= longest)
          ? undefined
          : { kind: 'range', message: this.t().periodRange };
      });
    },
    {
      submission: submit({
        send: (values: Values) => this.save(values),
        done: (saved) => {
          if (saved) this.saved.emit(saved);
        },
        fields: { RATE_LIMIT_ALREADY_EXISTS: 'path' },
      }),
    },
  );

  constructor() {
    // The path of a rate limit seldom changes.
    afterNextRender(() => (this.rule() ? this.form.limit() : this.form.path()).focusBoundControl());
  }

  protected limitText({ limit, period, quota, quota_period }: RateLimit): string {
    const rate = texts().amount(limit, period);
    return quota && quota_period ? `${rate}, ${texts().quota(quota, quota_period)}` : rate;
  }

  /** Save, and return the rate limit; null if another superuser has changed it, which the form then says. */
  private async save(values: Values): Promise<RateLimit | null> {
    const { path, limit, period, unit, quota, quotaPeriod } = values;
    const rate = { path: path.trim(), limit: limit ?? 0, period: toSeconds(period ?? 0, unit) };
    const quota_period = quota ? quotaPeriod : null;
    const rule = this.rule();
    if (!rule) {
      const body = { ...rate, quota, quota_period };
      return firstValueFrom(this.plans.createRateLimit({ tier_target_id: this.target(), body }));
    }
    const body = { ...rate, quota: quota ?? 0, quota_period };
    const id = { rate_limit_id: rule.id };
    if (this.etag === undefined) {
      const now = await firstValueFrom(this.plans.getRateLimit$Response(id));
      if (this.adopt(now, rule)) return null;
    }
    try {
      return await firstValueFrom(this.plans.updateRateLimit({ ...id, 'If-Match': this.etag, body }));
    } catch (error) {
      if (problemOf(error).code !== 'PRECONDITION_FAILED') throw error;
      const differs = this.adopt(await firstValueFrom(this.plans.getRateLimit$Response(id)), rule);
      return differs ? null : await this.save(values);
    }
  }

  /** Keep the entity tag of the rate limit as it is now. Return whether it differs from the one that was edited. */
  private adopt({ body, headers }: HttpResponse<RateLimit>, edited: RateLimit): boolean {
    this.etag = headers.get('ETag') ?? undefined;
    const differs = !!body && COMPARED.some((name) => body[name] !== edited[name]);
    this.newer.set(differs ? body : undefined);
    return differs;
  }
}
