import { afterNextRender, Component, computed, inject, input, linkedSignal, output } from '@angular/core';
import { form, FormField, FormRoot, required } from '@angular/forms/signals';
import { MatButton } from '@angular/material/button';
import { firstValueFrom } from 'rxjs';

import type { Tier } from '../api/models';
import { PlansService } from '../api/services';
import type { StrictHttpResponse } from '../api/strict-http-response';
import { Notices } from '../kernel/notices';
import { problemOf } from '../kernel/problem';
import { submit } from '../kernel/submit';
import { AppField } from '../ui/field';
import { FormError } from '../ui/form-error';
import { t as texts } from './texts';

/** The form of a tier's name: that of a new tier without `loaded`. */
@Component({
  selector: 'app-tier-name',
  imports: [AppField, FormError, FormField, FormRoot, MatButton],
  template: `
    <form [formRoot]="form">
      <app-form-error [form]="form" />
      @if (newer(); as name) {
        <p class="banner caution" role="alert">{{ t().conflict(name) }}</p>
      }
      <app-field [label]="t().name">
        <input type="text" autocomplete="off" [formField]="form.name" />
      </app-field>
      <div class="form-actions">
        <button mat-flat-button [disabled]="!changed() || form().submitting()" disabledInteractive>
          {{ loaded() ? t().rename : t().create }}
        </button>
        <button mat-button type="button" [disabled]="form().submitting()" (click)="cancelled.emit()">
          {{ t().cancel }}
        </button>
      </div>
    </form>
  `,
  styles: `
    form {
      max-inline-size: 36rem;
    }
  `,
})
export class TierName {
  readonly loaded = input<Loaded>();
  readonly saved = output<Loaded>();
  readonly cancelled = output();

  private readonly plans = inject(PlansService);
  private readonly notices = inject(Notices);
  protected readonly t = computed(() => texts().tierName);
  private readonly values = linkedSignal(() => ({ name: this.loaded()?.tier.name ?? '' }));
  private readonly etag = linkedSignal(() => this.loaded()?.etag);
  /** The name that another superuser gave it since it was read. */
  protected readonly newer = linkedSignal<Loaded | undefined, string | null>({
    source: this.loaded,
    computation: () => null,
  });
  protected readonly changed = computed(() => this.values().name.trim() !== (this.loaded()?.tier.name ?? ''));
  protected readonly form = form(
    this.values,
    (path) => {
      required(path.name);
    },
    {
      submission: submit({
        send: ({ name }: { name: string }) => this.save(name.trim()),
        done: (saved) => {
          if (!saved) return;
          if (this.loaded()) this.notices.say(this.t().renamed(saved.tier.name));
          this.saved.emit(saved);
        },
        fields: { TIER_ALREADY_EXISTS: 'name' },
      }),
    },
  );

  constructor() {
    afterNextRender(() => this.form.name().focusBoundControl());
  }

  /** Save, and return the tier; null if another superuser has renamed it, which the form then says. */
  private async save(name: string): Promise<Loaded | null> {
    const tier = this.loaded()?.tier;
    if (!tier) return loadedFrom(await firstValueFrom(this.plans.createTier$Response({ body: { name } })));
    const id = { tier_id: tier.id };
    try {
      const request = this.plans.updateTier$Response({ ...id, 'If-Match': this.etag(), body: { name } });
      return loadedFrom(await firstValueFrom(request));
    } catch (error) {
      if (problemOf(error).code !== 'PRECONDITION_FAILED') throw error;
      const now = loadedFrom(await firstValueFrom(this.plans.getTier$Response(id)));
      this.etag.set(now.etag);
      this.newer.set(now.tier.name);
      return null;
    }
  }
}

/** A tier as the server last returned it, with its entity tag. */
export interface Loaded {
  readonly tier: Tier;
  readonly etag: string | undefined;
}

function loadedFrom({ body, headers }: StrictHttpResponse<Tier>): Loaded {
  return { tier: body, etag: headers.get('ETag') ?? undefined };
}
