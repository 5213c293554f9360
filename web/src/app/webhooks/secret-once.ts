import { Component, computed, input } from '@angular/core';

import { Copyable } from '../ui/copyable';
import { Icon } from '../ui/icon';
import { Receiver } from './receiver';
import { t as texts } from './texts';

/** A new secret, which no later request shows, and a receiver that uses it. */
@Component({
  selector: 'app-secret-once',
  imports: [Copyable, Icon, Receiver],
  template: `
    <div class="banner caution" role="status">
      <app-icon name="warning" />
      <div>
        <strong>{{ t().warning }}</strong>
        <p>{{ t().text }}</p>
      </div>
    </div>
    <div class="secret" role="group" [attr.aria-label]="t().label">
      <app-copyable [text]="secret()" />
    </div>
    <h3>{{ t().receiver }}</h3>
    <app-receiver [secret]="secret()" />
  `,
  styles: `
    :host {
      display: grid;
      gap: 1rem;
      min-inline-size: 0;
    }
    .secret {
      padding: 0.75rem 1rem;
      border: 1px solid var(--mat-sys-outline);
      border-radius: 0.5rem;
    }
    app-copyable {
      display: flex;
      justify-content: space-between;
    }
    h3 {
      margin-block-start: 0.5rem;
      color: var(--mat-sys-on-surface);
    }
  `,
})
export class SecretOnce {
  readonly secret = input.required<string>();
  protected readonly t = computed(() => texts().secret);
}
