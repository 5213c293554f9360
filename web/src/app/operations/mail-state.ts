import { Component, computed, input } from '@angular/core';

import type { Mail } from '../api/models';
import { Icon } from '../ui/icon';
import type { IconName } from '../ui/icons';
import { t } from './mail-texts';

const LOOKS: Readonly<Record<Mail['state'], readonly [string, IconName]>> = {
  queued: ['', 'schedule'],
  sent: ['good', 'check'],
  delayed: ['caution', 'schedule'],
  refused: ['bad', 'error'],
  skipped: ['', 'block'],
};

/** The state of a mail as a badge. */
@Component({
  selector: 'app-mail-state',
  imports: [Icon],
  template: `<span class="badge {{ look()[0] }}"
    ><app-icon [name]="look()[1]" />{{ t().states[state()] }}</span
  >`,
  styles: `
    app-icon {
      inline-size: 0.875rem;
      block-size: 0.875rem;
    }
  `,
})
export class MailState {
  readonly state = input.required<Mail['state']>();
  protected readonly t = t;
  protected readonly look = computed(() => LOOKS[this.state()]);
}
