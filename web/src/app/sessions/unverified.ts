import {
  afterNextRender,
  Component,
  computed,
  ElementRef,
  inject,
  input,
  signal,
  viewChild,
} from '@angular/core';
import { firstValueFrom } from 'rxjs';

import { UsersService } from '../api/services';
import { problemOf } from '../kernel/problem';
import { Icon } from '../ui/icon';
import { t as texts } from './texts';

/** Tell that the address has to be confirmed before signing in, and send the link again. */
@Component({
  selector: 'app-unverified',
  imports: [Icon],
  template: `
    <div #banner class="banner caution" role="alert" tabindex="-1">
      <app-icon name="mail" />
      <div>
        @if (sent()) {
          <p>{{ t().sent(email()) }}</p>
        } @else {
          <p>{{ t().unverified }}</p>
          <button type="button" class="link" [disabled]="sending()" (click)="send()">{{ t().resend }}</button>
          @if (failure()) {
            <p>{{ failure() }}</p>
          }
        }
      </div>
    </div>
  `,
  styles: `
    .banner {
      margin-block-end: 1.25rem;
      overflow-wrap: anywhere;
    }
    .link {
      min-block-size: 1.5rem;
    }
  `,
})
export class Unverified {
  readonly email = input.required<string>();

  private readonly users = inject(UsersService);
  private readonly banner = viewChild.required<ElementRef<HTMLElement>>('banner');
  protected readonly t = computed(() => texts().signIn);
  protected readonly sending = signal(false);
  protected readonly sent = signal(false);
  protected readonly failure = signal('');

  constructor() {
    afterNextRender(() => this.banner().nativeElement.focus());
  }

  protected async send(): Promise<void> {
    this.sending.set(true);
    this.failure.set('');
    try {
      await firstValueFrom(this.users.requestVerifyToken({ body: { email: this.email() } }));
      this.sent.set(true);
      this.banner().nativeElement.focus(); // the button is gone
    } catch (error) {
      this.failure.set(problemOf(error).detail);
    } finally {
      this.sending.set(false);
    }
  }
}
