import { Component, inject } from '@angular/core';

import { Session } from '../../kernel/session';
import { t } from './texts';

/** Tell a person who is signed in that the link in the mail may be for another account. */
@Component({
  selector: 'app-other-account',
  template: `
    @if (session.user(); as user) {
      <p class="banner">{{ t().link.other(user.email) }}</p>
    }
  `,
  styleUrl: './joining.scss',
})
export class OtherAccount {
  protected readonly session = inject(Session);
  protected readonly t = t;
}
