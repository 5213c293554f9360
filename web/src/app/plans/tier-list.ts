import { Component, computed, inject, signal } from '@angular/core';
import { MatButton } from '@angular/material/button';
import { Router, RouterLink } from '@angular/router';
import { firstValueFrom } from 'rxjs';

import { listTierTargets } from '../api/fn/plans/list-tier-targets';
import { listTiers } from '../api/fn/plans/list-tiers';
import type { Tier } from '../api/models';
import { PlansService } from '../api/services';
import { refreshOn } from '../kernel/live';
import { Notices } from '../kernel/notices';
import { problemOf } from '../kernel/problem';
import { lastValue, read } from '../kernel/read';
import { Confirm } from '../ui/confirm';
import { Cover } from '../ui/cover';
import { Icon } from '../ui/icon';
import { Page } from '../ui/page';
import { Empty, Failure, Skeleton } from '../ui/states';
import { Time } from '../ui/time';
import { t as texts } from './texts';
import { type Loaded, TierName } from './tier-name';

/** The tiers. */
@Component({
  selector: 'app-tier-list',
  imports: [Cover, Empty, Failure, Icon, MatButton, Page, RouterLink, Skeleton, TierName, Time],
  template: `
    <app-page [heading]="t().heading" [lead]="t().lead">
      <a actions mat-stroked-button routerLink="/plans/effective">{{ t().lookUp }}</a>
      @if (!adding()) {
        <button actions mat-flat-button type="button" (click)="adding.set(true)">{{ t().add }}</button>
      }
      <div class="stack">
        @if (adding()) {
          <section class="card body" aria-labelledby="new-tier">
            <h2 id="new-tier">{{ t().add }}</h2>
            <app-tier-name (saved)="added($event)" (cancelled)="adding.set(false)" />
          </section>
        }
        @if (refused(); as tier) {
          <p class="banner danger" role="alert">
            <app-icon name="error" />
            <span
              >{{ t().inUse(tier.name) }}
              <a [routerLink]="['/plans', tier.id]">{{ t().showTargets }}</a></span
            >
          </p>
        }
        <div class="card">
          @if (shown(); as tiers) {
            <ul class="rows">
              @for (tier of tiers; track tier.id) {
                <li>
                  <app-icon name="stacks" class="quiet" />
                  <div class="grow">
                    <a app-cover [routerLink]="['/plans', tier.id]">{{ tier.name }}</a>
                    <p class="quiet small">
                      @if (counts(); as counts) {
                        {{ t().targets(counts.get(tier.id) ?? 0) }} ·
                      }
                      {{ t().created }} <app-time [at]="tier.created_at" />
                    </p>
                  </div>
                  <button
                    type="button"
                    class="icon-button above"
                    [attr.aria-label]="t().deleteOf(tier.name)"
                    [disabled]="deleting() === tier.id"
                    (click)="remove(tier)"
                  >
                    <app-icon name="delete" />
                  </button>
                </li>
              }
            </ul>
            @if (!tiers.length) {
              <app-empty icon="stacks" [heading]="t().none" [text]="t().noneText">
                @if (!adding()) {
                  <button mat-stroked-button type="button" (click)="adding.set(true)">{{ t().add }}</button>
                }
              </app-empty>
            }
          } @else if (tiers.error()) {
            <app-failure [error]="tiers.error()" (retry)="tiers.reload()" />
          } @else {
            <app-skeleton [rows]="4" />
          }
        </div>
        @if (counts() && shown()?.length && !hasDefault()) {
          <p class="quiet small">{{ t().noDefault }}</p>
        }
      </div>
    </app-page>
  `,
  styles: `
    .card.body {
      padding: 1.25rem 1.5rem;
    }
    h2 {
      margin-block-end: 1rem;
    }
    .rows > li {
      flex-wrap: nowrap;
      padding-inline-end: 0.75rem;
    }
    li .icon-button {
      flex: none;
    }
  `,
})
export class TierList {
  private readonly plans = inject(PlansService);
  private readonly notices = inject(Notices);
  private readonly confirm = inject(Confirm);
  private readonly router = inject(Router);
  protected readonly t = computed(() => texts().list);

  protected readonly tiers = read(listTiers, () => ({}));
  protected readonly shown = lastValue(this.tiers);
  private readonly allTargets = read(listTierTargets, () => ({}));
  private readonly targets = lastValue(this.allTargets);
  /** The number of targets of each tier; undefined where there are more than one request returns. */
  protected readonly counts = computed(() => {
    const targets = this.targets();
    if (!targets || this.allTargets.headers()?.has('Link')) return undefined;
    const counts = new Map<number, number>();
    for (const { tier_id } of targets) counts.set(tier_id, (counts.get(tier_id) ?? 0) + 1);
    return counts;
  });
  protected readonly hasDefault = computed(() =>
    this.targets()?.some((each) => each.target_type === 'G' && each.target_id === '*' && each.is_active),
  );
  protected readonly adding = signal(false);
  protected readonly deleting = signal<number | null>(null);
  /** The tier that the server refused to delete, since it has targets. */
  protected readonly refused = signal<Tier | null>(null);

  constructor() {
    refreshOn(['plans.*'], {
      reload: () => {
        this.tiers.reload();
        this.allTargets.reload();
      },
    });
  }

  protected async added({ tier }: Loaded): Promise<void> {
    await this.router.navigate(['/plans', tier.id]);
  }

  protected async remove(tier: Tier): Promise<void> {
    this.refused.set(null);
    const { title, text, action } = texts().tier.removeTier;
    if (!(await this.confirm.ask({ title: title(tier.name), text, action, danger: true }))) return;
    this.deleting.set(tier.id);
    try {
      await firstValueFrom(this.plans.deleteTier({ tier_id: tier.id }), { defaultValue: undefined });
      this.tiers.update((tiers) => tiers?.filter(({ id }) => id !== tier.id));
      this.notices.say(texts().tier.tierDeleted(tier.name));
    } catch (error) {
      const { code, status } = problemOf(error);
      if (code === 'TIER_IN_USE') this.refused.set(tier);
      else if (status !== 404) this.notices.fail(error);
      this.tiers.reload();
    } finally {
      this.deleting.set(null);
    }
  }
}
