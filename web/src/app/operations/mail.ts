import { Component, computed, effect, ElementRef, inject, input, signal, viewChild } from '@angular/core';
import { MatButton } from '@angular/material/button';
import { Router, RouterLink } from '@angular/router';
import { firstValueFrom } from 'rxjs';

import { getMail } from '../api/fn/mails/get-mail';
import { MailsService } from '../api/services';
import { LANGUAGES } from '../kernel/language';
import { Notices } from '../kernel/notices';
import { problemOf } from '../kernel/problem';
import { lastValue, read } from '../kernel/read';
import { refreshHinted } from '../kernel/refresh';
import { formatNumber } from '../kernel/time';
import { Confirm } from '../ui/confirm';
import { Copyable } from '../ui/copyable';
import { Chip } from '../ui/filters';
import { Icon } from '../ui/icon';
import { Page } from '../ui/page';
import { Failure, Skeleton } from '../ui/states';
import { Time } from '../ui/time';
import { MailState } from './mail-state';
import { t as texts } from './mail-texts';

const UNSETTLED: readonly string[] = ['queued', 'delayed'];

@Component({
  selector: 'app-mail',
  imports: [Chip, Copyable, Failure, Icon, MailState, MatButton, Page, RouterLink, Skeleton, Time],
  templateUrl: './mail.html',
  styleUrls: ['./details.scss', './mail.scss'],
})
export class MailPage {
  /** From the path. */
  readonly id = input.required<string>();

  private readonly router = inject(Router);
  private readonly service = inject(MailsService);
  private readonly notices = inject(Notices);
  private readonly confirm = inject(Confirm);
  private readonly frame = viewChild<ElementRef<HTMLIFrameElement>>('frame');
  protected readonly all = texts;
  protected readonly t = computed(() => texts().one);
  protected readonly resource = read(getMail, () => ({ id: this.id() }));
  private readonly last = lastValue(this.resource);
  /** The mail of this address, also while it cannot be read again. */
  protected readonly mail = computed(() => (this.last()?.id === this.id() ? this.last() : undefined));
  protected readonly heading = computed(() => {
    const mail = this.mail();
    return mail ? (texts().templates[mail.template] ?? mail.template) : this.t().heading;
  });
  protected readonly language = computed(() => {
    const names: Readonly<Partial<Record<string, string>>> = LANGUAGES;
    const language = this.mail()?.language ?? '';
    return names[language] ?? language;
  });
  protected readonly refusal = computed(() => {
    const mail = this.mail();
    if (!mail || mail.repeatable || UNSETTLED.includes(mail.state)) return null;
    return mail.link === 'used' ? this.t().linkUsed : this.t().notRepeatable;
  });
  protected readonly picture = signal(true);
  protected readonly busy = signal(false);
  protected readonly UNSETTLED = UNSETTLED;
  protected readonly problemOf = problemOf;
  protected readonly formatNumber = formatNumber;

  constructor() {
    effect(() => {
      // The address of a frame cannot be bound without a bypass of the sanitizer.
      const frame = this.frame()?.nativeElement;
      if (frame) frame.src = `/api/operations/mails/${encodeURIComponent(this.id())}/html`;
    });
    const reload = () => !UNSETTLED.includes(this.mail()?.state ?? '') || this.resource.reload();
    refreshHinted(['mails.attempts'], { reload });
  }

  protected async resend(): Promise<void> {
    const mail = this.mail();
    if (!mail) return;
    const question = this.t().confirm(mail.recipient ?? '', mail.link === 'expired');
    if (!(await this.confirm.ask(question))) return;
    this.busy.set(true);
    try {
      const sent = await firstValueFrom(this.service.resendMail({ id: mail.id }));
      this.notices.say(this.t().queued);
      await this.router.navigate(['/operations/mails', sent.id]);
    } catch (error) {
      this.notices.fail(error);
      this.resource.reload();
    }
    this.busy.set(false);
  }
}
