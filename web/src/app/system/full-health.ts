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
  effect(() => {
    // Guests may read it too, with less in it. So an access cookie that has ended, or a right that was taken away, is
    // not refused.
    if (report.hasValue() && !report.value().checks) void session.reread();
  });
  return report;
}
