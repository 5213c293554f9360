import { BreakpointObserver } from '@angular/cdk/layout';
import { NgTemplateOutlet } from '@angular/common';
import type { HttpHeaders } from '@angular/common/http';
import { Component, computed, effect, inject, signal } from '@angular/core';
import { toSignal } from '@angular/core/rxjs-interop';
import { MatButton } from '@angular/material/button';
import { MatDialog } from '@angular/material/dialog';
import { RouterLink } from '@angular/router';
import { firstValueFrom, map } from 'rxjs';

import { showPreferences } from '../api/fn/notifications/show-preferences';
import type { NotificationChannel, Preferences, Switch } from '../api/models';
import { NotificationsService } from '../api/services';
import { locale } from '../kernel/language';
import { Notices } from '../kernel/notices';
import { problemOf } from '../kernel/problem';
import { read } from '../kernel/read';
import { timeZone } from '../kernel/time';
import { type Difference, resolveConflict } from '../ui/conflict';
import { Icon } from '../ui/icon';
import { Page } from '../ui/page';
import { Failure, Skeleton } from '../ui/states';
import { t as texts } from './preference-texts';
import { bodyOf, changed, CHANNELS, type Choices, choicesOf, keyOf, valueOf, VALUES } from './switches';
import { groupName } from './texts';

interface Stored {
  readonly preferences: Preferences;
  readonly choices: Choices;
  readonly tag: string | undefined;
}

const stored = (preferences: Preferences, headers: HttpHeaders | undefined): Stored => ({
  preferences,
  choices: choicesOf(preferences),
  tag: headers?.get('ETag') ?? undefined,
});

/**
 * By which channels the person gets notifications of each group of kinds. A change is shown and saved at once; it is
 * taken back if it cannot be saved.
 */
@Component({
  selector: 'app-notification-preferences',
  imports: [Failure, Icon, MatButton, NgTemplateOutlet, Page, RouterLink, Skeleton],
  templateUrl: './preferences.html',
  styleUrl: './preferences.scss',
})
export class NotificationPreferences {
  private readonly service = inject(NotificationsService);
  private readonly notices = inject(Notices);
  private readonly dialogs = inject(MatDialog);
  protected readonly t = texts;
  protected readonly CHANNELS = CHANNELS;
  protected readonly VALUES = VALUES;
  protected readonly groupName = groupName;
  protected readonly timeZone = timeZone;
  protected readonly narrow = toSignal(
    inject(BreakpointObserver)
      .observe('(width < 44rem)')
      .pipe(map(({ matches }) => matches)),
    { initialValue: false },
  );

  protected readonly loaded = read(showPreferences, () => ({}));
  private readonly base = signal<Stored | undefined>(undefined);
  protected readonly choices = signal<Choices>({});
  protected readonly groups = computed(() => {
    const switches = this.base()?.preferences.switches ?? [];
    return [...new Set(switches.map(({ group }) => group))].map((group) => ({
      group,
      switches: CHANNELS.flatMap(
        (channel) => switches.find((each) => each.group === group && each.channel === channel) ?? [],
      ),
    }));
  });
  protected readonly hasOwn = computed(() =>
    (this.base()?.preferences.switches ?? []).some((each) => this.choices()[keyOf(each)] !== undefined),
  );
  protected readonly isSaved = signal(false);
  protected readonly hours = computed(() => {
    const format = new Intl.DateTimeFormat(locale(), { hour: 'numeric', minute: '2-digit', timeZone: 'UTC' });
    return Array.from({ length: 24 }, (_, hour) => [String(hour), format.format(hour * 3_600_000)] as const);
  });
  protected readonly zone = computed(() => this.choices()['zone'] ?? '');
  protected readonly usesDigest = computed(() =>
    this.groups().some(({ switches }) => switches.some((each) => this.value(each) === 'digest')),
  );
  private saving = false;

  constructor() {
    effect(() => {
      if (!this.loaded.hasValue() || this.base()) return;
      this.adopt(stored(this.loaded.value(), this.loaded.headers()));
    });
  }

  protected value(each: Switch): string {
    return valueOf(each, this.choices());
  }

  protected label(each: Switch): string {
    return `${groupName(each.group)}, ${this.t().channels[each.channel]}`;
  }

  protected about(group: string): string | undefined {
    const texts: Readonly<Record<string, string>> = this.t().groups;
    return texts[group];
  }

  protected lockedText(each: Switch): string {
    return this.t().values[each.value];
  }

  protected choose(each: Switch, value: string): void {
    // A switch with the value that it would inherit inherits it.
    this.set({ [keyOf(each)]: value === each.inherited ? undefined : value });
  }

  protected set(change: Choices): void {
    this.choices.update((before) => ({ ...before, ...change }));
    void this.save();
  }

  protected useDefaults(): void {
    const before = this.choices();
    const { every, hour, zone } = before;
    this.choices.set({ every, hour, zone });
    void this.save();
    this.notices.offer(this.t().reset, this.t().undo, () => this.set(before));
  }

  /** Save until what is shown is stored: it may change while a request is on its way. */
  private async save(): Promise<void> {
    if (this.saving) return;
    this.saving = true;
    this.isSaved.set(false);
    try {
      for (let base = this.base(); base && changed(base.choices, this.choices()).length; base = this.base()) {
        const wanted = this.choices();
        try {
          const body = bodyOf(base.preferences, wanted);
          const answer = await firstValueFrom(
            this.service.replacePreferences$Response({ 'If-Match': base.tag, body }),
          );
          const saved = stored(answer.body, answer.headers);
          if (this.choices() === wanted) this.adopt(saved);
          else this.base.set(saved);
        } catch (error) {
          if (problemOf(error).status !== 412) throw error;
          await this.merge(base);
        }
      }
      this.isSaved.set(true);
    } catch (error) {
      this.choices.set(this.base()?.choices ?? {});
      this.notices.fail(error);
    } finally {
      this.saving = false;
    }
  }

  /** After a change elsewhere: keep both, and ask where they contradict each other. */
  private async merge({ choices: before }: Stored): Promise<void> {
    const answer = await firstValueFrom(this.service.showPreferences$Response());
    const now = stored(answer.body, answer.headers);
    const mine = this.choices();
    const ours = changed(before, mine);
    const theirs = new Set(changed(before, now.choices));
    const contested = ours.filter((name) => theirs.has(name) && mine[name] !== now.choices[name]);
    const differences = contested.map((name) => this.difference(now, name, before, mine));
    const kept = contested.length ? await resolveConflict(this.dialogs, this.t().conflict, differences) : [];
    const taken = kept && ours.filter((name) => !contested.includes(name) || kept.includes(name));
    this.base.set(now);
    this.choices.set({
      ...now.choices,
      ...Object.fromEntries((taken ?? []).map((name) => [name, mine[name]])),
    });
  }

  private difference(now: Stored, name: string, before: Choices, mine: Choices): Difference {
    const each = now.preferences.switches.find((each) => keyOf(each) === name);
    const text = (choices: Choices) =>
      each ? this.t().values[valueOf(each, choices)] : this.digestText(name, choices[name] ?? '');
    const label = each ? this.label(each) : this.t().digest.heading;
    return { field: name, label, base: text(before), mine: text(mine), current: text(now.choices) };
  }

  private digestText(name: string, value: string): string {
    if (name === 'every') return value === 'hour' ? this.t().digest.hourly : this.t().digest.daily;
    if (name === 'hour') return this.hours().find(([hour]) => hour === value)?.[1] ?? value;
    return value || this.t().digest.server;
  }

  private adopt(saved: Stored): void {
    this.base.set(saved);
    this.choices.set(saved.choices);
  }

  protected readonly columns = (channel: NotificationChannel): string => this.t().channels[channel];
}
