import { Component, DestroyRef, inject, input, OnInit, output, signal } from '@angular/core';
import { MatButton } from '@angular/material/button';
import { RouterLink } from '@angular/router';
import { firstValueFrom, type Observable } from 'rxjs';

import { Notices } from '../../kernel/notices';
import { Outcome } from './outcome';
import { t } from './texts';

const PAUSE = 60; // seconds; the server drops a second request for the same mail within a minute

/** Where to look for a mail, with a way to have it sent again. The text is the same whether or not there is an account. */
@Component({
  selector: 'app-mailbox',
  imports: [MatButton, Outcome, RouterLink],
  template: `
    <app-outcome icon="mail" [heading]="t().mailbox.heading" [text]="text()">
      <p class="quiet small">{{ t().mailbox.nothing }}</p>
      @if (local) {
        <p class="quiet small">{{ t().mailbox.local }}</p>
      }
      <button
        mat-stroked-button
        type="button"
        [disabled]="pause() > 0 || sending()"
        disabledInteractive
        (click)="sendAgain()"
      >
        {{ pause() > 0 ? t().mailbox.wait(pause()) : t().mailbox.again }}
      </button>
      <p class="links">
        <button type="button" class="link" (click)="other.emit()">{{ t().mailbox.other }}</button>
        <a routerLink="/sign-in" [state]="{ email: email() }">{{ t().signIn }}</a>
      </p>
    </app-outcome>
  `,
  styleUrl: './joining.scss',
})
export class Mailbox implements OnInit {
  readonly email = input.required<string>();
  readonly text = input.required<string>();
  readonly send = input.required<() => Observable<unknown>>();
  /** Whether the mail may be sent again at once. */
  readonly ready = input(false);
  /** Another address is to be used. */
  readonly other = output();

  private readonly notices = inject(Notices);
  protected readonly t = t;
  protected readonly local = ['localhost', '127.0.0.1'].includes(location.hostname);
  protected readonly pause = signal(0);
  protected readonly sending = signal(false);
  private timer: ReturnType<typeof setInterval> | undefined;

  constructor() {
    inject(DestroyRef).onDestroy(() => clearInterval(this.timer));
  }

  ngOnInit(): void {
    if (!this.ready()) this.rest();
  }

  protected async sendAgain(): Promise<void> {
    if (this.pause() > 0 || this.sending()) return;
    this.sending.set(true);
    try {
      await firstValueFrom(this.send()());
      this.notices.say(t().mailbox.sent);
      this.rest();
    } catch (error) {
      this.notices.fail(error);
    } finally {
      this.sending.set(false);
    }
  }

  private rest(): void {
    this.pause.set(PAUSE);
    clearInterval(this.timer);
    this.timer = setInterval(() => {
      this.pause.update((seconds) => seconds - 1);
      if (this.pause() <= 0) clearInterval(this.timer);
    }, 1000);
  }
}
