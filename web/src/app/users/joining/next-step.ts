import { Component, computed, inject, input, signal } from '@angular/core';
import { MatButton } from '@angular/material/button';
import { Router, RouterLink } from '@angular/router';

import { Notices } from '../../kernel/notices';
import { Session } from '../../kernel/session';
import { t } from './texts';

/**
 * What follows after a mailed link was used: sign in, or go on if the session is that of the account. A person who is
 * signed in with another account chooses.
 */
@Component({
  selector: 'app-next-step',
  imports: [MatButton, RouterLink],
  template: `
    @if (session.user(); as user) {
      @if (own()) {
        <a mat-flat-button routerLink="/">{{ t().next.start }}</a>
      } @else {
        <p class="quiet small">
          {{ email() === null ? t().next.signedIn(user.email) : t().next.still(user.email) }}
        </p>
        <button mat-flat-button type="button" [disabled]="leaving()" (click)="change()">
          {{ t().next.change }}
        </button>
        <a mat-stroked-button routerLink="/">{{ t().next.stay }}</a>
      }
    } @else {
      <a mat-flat-button routerLink="/sign-in" [state]="{ email: email() }">{{ t().signIn }}</a>
    }
  `,
  styles: `
    :host {
      display: grid;
      gap: 0.75rem;
    }
  `,
})
export class NextStep {
  /** Address of the account to which the link belonged; empty if its sessions have ended, null if it is unknown. */
  readonly email = input<string | null>('');

  private readonly notices = inject(Notices);
  private readonly router = inject(Router);
  protected readonly session = inject(Session);
  protected readonly t = t;
  protected readonly own = computed(() => this.session.user()?.email === this.email());
  protected readonly leaving = signal(false);

  protected async change(): Promise<void> {
    this.leaving.set(true);
    try {
      await this.session.signOut();
      await this.router.navigate(['/sign-in'], { state: { email: this.email() } });
    } catch (error) {
      this.notices.fail(error);
      this.leaving.set(false);
    }
  }
}
