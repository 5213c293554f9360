import { Component, computed, input } from '@angular/core';

import type { Endpoint } from '../api/models';
import { Icon } from '../ui/icon';
import type { IconName } from '../ui/icons';
import { t as texts } from './texts';

const KINDS = {
  active: ['good', 'check'],
  delivered: ['good', 'check'],
  failing: ['caution', 'warning'],
  held: ['caution', 'schedule'],
  pending: ['', 'schedule'],
  disabled: ['bad', 'block'],
  failed: ['bad', 'error'],
} as const satisfies Readonly<Record<string, readonly [string, IconName]>>;

export type State = keyof typeof KINDS;

export function stateOf(endpoint: Endpoint): State {
  if (!endpoint.is_enabled) return 'disabled';
  return endpoint.failing_since === null ? 'active' : 'failing';
}

/** The state of a webhook or a delivery, in a word, a colour and a symbol. */
@Component({
  selector: 'app-state-badge',
  imports: [Icon],
  template: `<span class="badge" [class]="kind()[0]"><app-icon [name]="kind()[1]" />{{ text() }}</span>`,
  styles: `
    app-icon {
      inline-size: 0.875rem;
      block-size: 0.875rem;
    }
  `,
})
export class StateBadge {
  readonly state = input.required<string>();
  protected readonly kind = computed(() => KINDS[this.known()]);
  protected readonly text = computed(() => texts().states[this.known()]);
  private readonly known = computed(() => (this.state() in KINDS ? (this.state() as State) : 'pending'));
}
