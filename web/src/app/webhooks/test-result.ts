import { Component, computed, input } from '@angular/core';
import { RouterLink } from '@angular/router';

import { showDelivery } from '../api/fn/webhooks/show-delivery';
import { refreshOn } from '../kernel/live';
import { lastValue, read } from '../kernel/read';
import { refreshEvery } from '../kernel/refresh';
import { Icon } from '../ui/icon';
import { explain } from './answers';
import { t as texts } from './texts';

/** The result of a test, as soon as it is there. */
@Component({
  selector: 'app-test-result',
  imports: [Icon, RouterLink],
  template: `
    <div
      class="banner"
      role="status"
      [class.good]="state() === 'delivered'"
      [class.danger]="state() === 'failed'"
    >
      <app-icon
        [name]="state() === 'delivered' ? 'check_circle' : state() === 'failed' ? 'error' : 'schedule'"
      />
      <p>
        @switch (state()) {
          @case ('delivered') {
            {{ t().tested }}
          }
          @case ('failed') {
            {{ t().testFailed }}
          }
          @default {
            {{ t().testing }}
          }
        }
        <span class="answer">{{ answer() }}</span>
      </p>
      <a [routerLink]="['/webhooks', endpoint(), 'deliveries', delivery()]">{{ t().details }}</a>
    </div>
  `,
  styles: `
    .banner {
      align-items: flex-start;
    }
    p {
      flex: 1;
      min-inline-size: 0;
      overflow-wrap: anywhere;
    }
  `,
})
export class TestResult {
  readonly endpoint = input.required<string>();
  readonly delivery = input.required<string>();
  protected readonly t = computed(() => texts().one);
  private readonly read = read(showDelivery, () => ({ id: this.endpoint(), delivery_id: this.delivery() }));
  private readonly detail = lastValue(this.read);
  protected readonly state = computed(() => this.detail()?.delivery.state ?? 'pending');
  protected readonly answer = computed(() => {
    const [attempt] = this.detail()?.attempts ?? [];
    if (!attempt || this.state() === 'pending') return '';
    return explain(attempt) ?? `${String(attempt.status ?? '')}, ${String(Math.round(attempt.total_ms))} ms`;
  });

  constructor() {
    const reload = () => this.state() !== 'pending' || this.read.reload();
    refreshOn(['webhooks.deliveries'], { reload });
    refreshEvery(5, reload); // a hint may be lost
  }
}
