import { Component, inject, input } from '@angular/core';
import { MatButton } from '@angular/material/button';
import { RouterLink } from '@angular/router';

import { Session } from '../../kernel/session';
import { Outcome } from './outcome';
import { t } from './texts';

/** The page of a link that does not work: it was used, it expired, or its token is gone after a reload. */
@Component({
  selector: 'app-dead-link',
  imports: [MatButton, Outcome, RouterLink],
  template: `
    <app-outcome
      [icon]="missing() ? 'mail' : 'schedule'"
      [heading]="missing() ? t().link.missing : t().link.dead"
      [text]="missing() ? t().link.missingText : text()"
    >
      @if (renewal(); as path) {
        <a mat-flat-button [routerLink]="path">{{ t().link.renew }}</a>
        @if (session.user()) {
          <a mat-stroked-button routerLink="/">{{ t().link.start }}</a>
        } @else {
          <a mat-stroked-button routerLink="/sign-in">{{ t().signIn }}</a>
        }
      } @else {
        <a mat-flat-button routerLink="/">{{ t().link.start }}</a>
      }
    </app-outcome>
  `,
})
export class DeadLink {
  /** Whether the address had no token, as after a reload. */
  readonly missing = input(false);
  /** Why the link may not work. */
  readonly text = input.required<string>();
  /** The page that sends a new link. */
  readonly renewal = input<string>();
  protected readonly session = inject(Session);
  protected readonly t = t;
}
