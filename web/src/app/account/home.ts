import { Component, computed, inject, signal } from '@angular/core';
import { RouterLink } from '@angular/router';
import { firstValueFrom } from 'rxjs';

import { listMyActivity } from '../api/fn/audit/list-my-activity';
import { listSessions } from '../api/fn/sessions/list-sessions';
import { getFullHealth } from '../api/fn/system/get-full-health';
import { UsersService } from '../api/services';
import { language, LANGUAGES } from '../kernel/language';
import { refreshOn } from '../kernel/live';
import { Notices } from '../kernel/notices';
import { read } from '../kernel/read';
import { Session } from '../kernel/session';
import { now, timeZone } from '../kernel/time';
import { Icon } from '../ui/icon';
import { Page } from '../ui/page';
import { Time } from '../ui/time';
import { sentence } from './sentences';
import { SummaryCard } from './summary-card';
import { t as texts } from './texts';
import { zoneOf } from './zones';

const DAY = 24 * 60 * 60 * 1000;
const KEPT = 2500; // ms; the server keeps the amounts for 2 s

/** The start page: the state of the account, and what is left to do. */
@Component({
  selector: 'app-home',
  imports: [Icon, Page, RouterLink, SummaryCard, Time],
  templateUrl: './home.html',
  styleUrl: './home.scss',
})
export class Home {
  private readonly users = inject(UsersService);
  private readonly notices = inject(Notices);
  protected readonly session = inject(Session);
  protected readonly t = computed(() => texts().home);

  protected readonly user = this.session.user;
  protected readonly sessions = read(listSessions, () => ({}));
  protected readonly activity = read(listMyActivity, () => ({ limit: 5 }));
  protected readonly health = read(getFullHealth, () => (this.session.isSuperuser() ? {} : undefined));

  protected readonly heading = computed(() => this.t().heading(this.user()?.name ?? ''));
  protected readonly last = computed(() =>
    this.activity.hasValue() ? this.activity.value().items[0] : undefined,
  );
  /** Whether the person has just come back, before the data of the account was deleted. */
  protected readonly stayed = computed(
    () =>
      this.activity.hasValue() &&
      this.activity
        .value()
        .items.some(
          ({ type, created_at }) =>
            type === 'users.deletion_cancelled' && now() - Date.parse(created_at) < DAY,
        ),
  );
  protected readonly dead = computed(() => {
    const outbox = this.health.hasValue() ? this.health.value().outbox : null;
    return outbox ? outbox.events_dead + outbox.tasks_dead + outbox.messages_dead : 0;
  });
  protected readonly sending = signal(false);
  protected readonly sentence = sentence;
  protected readonly LANGUAGES = LANGUAGES;
  protected readonly language = language;
  protected readonly zone = computed(() => zoneOf(timeZone()));

  constructor() {
    refreshOn(['sessions.*'], this.sessions, ({ own }) => own);
    refreshOn(['*'], this.activity, ({ own }) => own);
    refreshOn(['operations.*', 'outbox.dead_letters'], this.health, undefined, KEPT);
  }

  protected async confirm(email: string): Promise<void> {
    this.sending.set(true);
    try {
      await firstValueFrom(this.users.requestVerifyToken({ body: { email } }));
      this.notices.say(texts().email.sent(email));
    } catch (error) {
      this.notices.fail(error);
    } finally {
      this.sending.set(false);
    }
  }
}
