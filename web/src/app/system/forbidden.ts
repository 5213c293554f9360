import { Component, computed, inject, signal } from '@angular/core';
import { MatButton } from '@angular/material/button';
import { RouterLink } from '@angular/router';

import { Notices } from '../kernel/notices';
import { Session } from '../kernel/session';
import { DeadEnd } from './dead-end';
import { t as texts } from './texts';

@Component({
  selector: 'app-forbidden',
  imports: [DeadEnd, MatButton, RouterLink],
  template: `
    <app-dead-end icon="block" [heading]="t().heading" [text]="t().text" [more]="who()">
      <a mat-flat-button routerLink="/">{{ t().action }}</a>
      <button mat-stroked-button type="button" [disabled]="leaving()" (click)="signOut()">
        {{ t().other }}
      </button>
    </app-dead-end>
  `,
})
export class Forbidden {
  private readonly session = inject(Session);
  private readonly notices = inject(Notices);
  protected readonly t = computed(() => texts().forbidden);
  protected readonly who = computed(() => {
    const user = this.session.user();
    return user ? this.t().who(user.email) : undefined;
  });
  protected readonly leaving = signal(false);

  protected async signOut(): Promise<void> {
    this.leaving.set(true);
    try {
      await this.session.signOut();
    } catch (error) {
      this.notices.fail(error);
    } finally {
      this.leaving.set(false);
    }
  }
}
