import { Component, computed } from '@angular/core';

import { getMyPlan } from '../api/fn/plans/get-my-plan';
import type { PolicyState } from '../api/models';
import { refreshOn } from '../kernel/live';
import { lastValue, read } from '../kernel/read';
import { refreshEvery } from '../kernel/refresh';
import { formatNumber } from '../kernel/time';
import { Page } from '../ui/page';
import { Failure, Skeleton } from '../ui/states';
import { Time } from '../ui/time';
import { formatWait } from './amounts';
import { t as texts } from './texts';

/** What the person's plan allows, and what is left of it. Reading this costs no request of the plan. */
@Component({
  selector: 'app-my-plan',
  imports: [Failure, Page, Skeleton, Time],
  templateUrl: './my-plan.html',
  styleUrl: './my-plan.scss',
})
export class MyPlan {
  protected readonly t = computed(() => texts().mine);
  protected readonly all = texts;
  protected readonly formatWait = formatWait;
  protected readonly formatNumber = formatNumber;

  protected readonly plan = read(getMyPlan, () => ({}));
  protected readonly shown = lastValue(this.plan);
  protected readonly policies = computed(() => routesFirst(this.shown()?.policies ?? []));
  protected readonly quotas = computed(() => routesFirst(this.shown()?.quotas ?? []));

  constructor() {
    refreshOn(['plans.*'], this.plan);
    refreshEvery(10, () => this.plan.reload()); // what is left changes with each request, and limits of roles without an event
  }

  protected share({ r, q }: PolicyState): number {
    return q ? (100 * r) / q : 0;
  }
}

/** Those of single routes first. */
function routesFirst<T extends { readonly path: string }>(all: readonly T[]): T[] {
  return [...all.filter(({ path }) => path !== '*'), ...all.filter(({ path }) => path === '*')];
}
