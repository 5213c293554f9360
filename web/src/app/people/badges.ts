import { Component, computed, input } from '@angular/core';

import type { User } from '../api/models';
import { Icon } from '../ui/icon';
import { t as texts } from './texts';

/** The state of an account in words. */
@Component({
  selector: 'app-badges',
  imports: [Icon],
  template: `
    @if (user().is_superuser) {
      <span class="badge"><app-icon name="shield_person" />{{ t().superuser }}</span>
    }
    @if (!user().is_active) {
      <span class="badge bad">{{ t().deactivated }}</span>
    }
    @if (!user().is_verified) {
      <span class="badge caution">{{ t().unverified }}</span>
    }
    @if (user().is_active && user().is_verified && all()) {
      <span class="badge good">{{ t().active }}</span>
    }
  `,
  styles: `
    :host {
      display: inline-flex;
      flex-wrap: wrap;
      gap: 0.25rem;
    }
    app-icon {
      inline-size: 0.875rem;
      block-size: 0.875rem;
    }
  `,
})
export class Badges {
  readonly user = input.required<User>();
  /** Show a badge for an active account too. */
  readonly all = input(false);
  protected readonly t = computed(() => texts().states);
}
