import { HttpResourceRef } from '@angular/common/http';
import { effect, inject } from '@angular/core';

import { getFullHealth } from '../api/fn/system/get-full-health';
import type { FullHealth } from '../api/models';
import { read } from '../kernel/read';
import { Session } from '../kernel/session';

/** Read the state of all services, as a superuser. */
export function readFullHealth(): HttpResourceRef<FullHealth | undefined> {
  const session = inject(Session);
  const report = read(getFullHealth, () => ({}));
  let isShort = false;
  effect(() => {
    if (!report.hasValue()) return;
    // Guests may read it too, with less in it. So an access cookie that has ended, or a right that was taken away, is
    // not refused.
    const wasShort = isShort;
    isShort = !report.value().checks;
    if (isShort) void session.recheck().then(() => !wasShort && report.reload());
  });
  return report;
}
