import { Component, computed, linkedSignal } from '@angular/core';
import { RouterLink } from '@angular/router';

import { getFullHealth } from '../api/fn/system/get-full-health';
import type { FullHealth } from '../api/models';
import { read } from '../kernel/read';
import { refreshEvery } from '../kernel/refresh';
import { formatNumber } from '../kernel/time';
import { Icon } from '../ui/icon';
import type { IconName } from '../ui/icons';
import { Page } from '../ui/page';
import { Failure, Skeleton } from '../ui/states';
import { Time } from '../ui/time';
import { t as texts } from './texts';

interface Part {
  readonly name: string;
  readonly purpose: string;
  readonly state: string;
  readonly badge: 'good' | 'caution' | 'bad';
  readonly icon: IconName;
  /** What to do, unless it is up. */
  readonly remedy: string;
}

@Component({
  selector: 'app-health',
  imports: [Failure, Icon, Page, RouterLink, Skeleton, Time],
  templateUrl: './health.html',
  styleUrl: './health.scss',
})
export class Health {
  protected readonly t = computed(() => texts().health);
  protected readonly formatNumber = formatNumber;
  protected readonly report = read(getFullHealth, () => ({}));
  // The last answer, also while it cannot be read.
  protected readonly state = linkedSignal<FullHealth | undefined, FullHealth | undefined>({
    source: () => (this.report.hasValue() ? this.report.value() : undefined),
    computation: (value, previous) => value ?? previous?.value,
  });
  protected readonly parts = computed<readonly Part[] | null>(() => {
    const checks = this.state()?.checks;
    return checks ? Object.entries(checks).map(([name, state]) => this.describe(name, state)) : null;
  });
  protected readonly failing = computed(
    () => (this.parts() ?? []).filter(({ badge }) => badge !== 'good').length,
  );
  protected readonly dead = computed(() => {
    const sums = this.state()?.outbox;
    return sums ? sums.events_dead + sums.tasks_dead + sums.messages_dead : 0;
  });

  constructor() {
    refreshEvery(5, () => this.report.reload());
  }

  /** A state is a word, or a word and what it is about: `misconfigured: set REDIS_URL`. */
  private describe(name: string, text: string): Part {
    const colon = text.indexOf(': ');
    const [word, about] = colon < 0 ? [text, ''] : [text.slice(0, colon), text.slice(colon + 2)];
    const part = this.t().parts[name];
    const advice = word === 'up' || word === 'unknown' || word === 'busy' ? '' : (part?.remedy ?? '');
    const [badge, icon]: [Part['badge'], IconName] =
      word === 'up'
        ? ['good', 'check_circle']
        : word === 'down' || word === 'misconfigured'
          ? ['bad', 'error']
          : ['caution', 'warning'];
    return {
      name: part?.name ?? name,
      purpose: part?.purpose ?? '',
      state: this.t().states[word] ?? word,
      badge,
      icon,
      remedy: word === 'misconfigured' ? about : [about, advice].filter(Boolean).join(' – '),
    };
  }
}
