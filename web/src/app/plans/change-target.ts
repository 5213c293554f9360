import { inject } from '@angular/core';
import { MatDialog } from '@angular/material/dialog';
import { firstValueFrom } from 'rxjs';

import type { TierTarget } from '../api/models';
import { PlansService } from '../api/services';
import { problemOf } from '../kernel/problem';
import { type Difference, resolveConflict } from '../ui/conflict';
import { nameTarget } from './target';
import { t as texts } from './texts';

const FIELDS = ['tier_id', 'is_active'] as const;
export type TargetChange = Partial<Pick<TierTarget, (typeof FIELDS)[number]>>;

/**
 * Return a function that changes a target, and returns it as it is then. If another superuser has changed it since it
 * was shown, the person chooses.
 */
export function targetChanger(
  nameTier: (id: number) => string,
): (shown: TierTarget, change: TargetChange) => Promise<TierTarget> {
  const plans = inject(PlansService);
  const dialogs = inject(MatDialog);

  const value = (target: TierTarget, field: (typeof FIELDS)[number]): string => {
    const { on, off } = texts().target.conflict;
    if (field === 'tier_id') return nameTier(target.tier_id);
    return target.is_active ? on : off;
  };
  const differences = (shown: TierTarget, mine: TierTarget, now: TierTarget): Difference[] =>
    FIELDS.filter((field) => mine[field] !== now[field]).map((field) => ({
      field,
      label: texts().target.conflict[field],
      base: value(shown, field),
      mine: value(mine, field),
      current: value(now, field),
    }));

  return async (shown, change) => {
    const id = { tier_target_id: shown.id };
    const mine = { ...shown, ...change };
    for (let base = shown, body = change; ;) {
      const { body: now, headers } = await firstValueFrom(plans.getTierTarget$Response(id));
      if (FIELDS.some((field) => now[field] !== base[field])) {
        const found = differences(shown, mine, now);
        const title = texts().target.conflict.title(nameTarget(now));
        const kept = found.length ? await resolveConflict(dialogs, title, found) : [];
        body = Object.fromEntries(
          FIELDS.filter((field) => kept?.includes(field)).map((field) => [field, mine[field]]),
        );
        if (!kept?.length) return now;
        base = now;
      }
      try {
        const ifMatch = headers.get('ETag') ?? undefined;
        return await firstValueFrom(plans.updateTierTarget({ ...id, 'If-Match': ifMatch, body }));
      } catch (error) {
        if (problemOf(error).code !== 'PRECONDITION_FAILED') throw error;
      }
    }
  };
}
