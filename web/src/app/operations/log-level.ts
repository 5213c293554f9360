import {
  afterNextRender,
  Component,
  computed,
  DestroyRef,
  ElementRef,
  inject,
  Injector,
  signal,
} from '@angular/core';
import { MatButton } from '@angular/material/button';
import { firstValueFrom } from 'rxjs';

import { getLogLevel } from '../api/fn/operations/get-log-level';
import type { LogLevel, LogLevelChange } from '../api/models';
import { OperationsService } from '../api/services';
import { refreshOn } from '../kernel/live';
import { Notices } from '../kernel/notices';
import { lastValue, read } from '../kernel/read';
import { serverTime } from '../kernel/time';
import { Icon } from '../ui/icon';
import { Page } from '../ui/page';
import { Failure, Skeleton } from '../ui/states';
import { t } from './log-level-texts';

const LEVELS = ['DEBUG', 'INFO', 'WARNING', 'ERROR'] as const;
const MINUTES = [5, 15, 30, 60, 120, 240] as const;
const LOOKS: Readonly<Record<LogLevel['level'], string>> = {
  DEBUG: 'caution',
  INFO: 'good',
  WARNING: '',
  ERROR: '',
};

/** The log level of all processes: what is set, until when, and a form that sets it. */
@Component({
  selector: 'app-log-level',
  imports: [Failure, Icon, MatButton, Page, Skeleton],
  templateUrl: './log-level.html',
  styleUrl: './log-level.scss',
})
export class LogLevelPage {
  private readonly service = inject(OperationsService);
  private readonly notices = inject(Notices);
  private readonly injector = inject(Injector);
  private readonly host = inject<ElementRef<HTMLElement>>(ElementRef).nativeElement;
  protected readonly t = t;
  protected readonly LEVELS = LEVELS;
  protected readonly MINUTES = MINUTES;
  protected readonly LOOKS = LOOKS;
  protected readonly resource = read(getLogLevel, () => ({}));
  protected readonly levels = lastValue(this.resource);
  private readonly clock = signal(serverTime());
  /** Those that have not ended, by the clock of the server. */
  protected readonly changes = computed(() =>
    (this.levels()?.changes ?? []).filter(({ until }) => Date.parse(until) > this.clock()),
  );
  protected readonly level = signal<(typeof LEVELS)[number]>('DEBUG');
  protected readonly logger = signal('');
  protected readonly minutes = signal(15);
  protected readonly busy = signal(false);

  constructor() {
    refreshOn(['operations.log_level_changed'], this.resource);
    const timer = setInterval(() => this.clock.set(serverTime()), 1000);
    inject(DestroyRef).onDestroy(() => clearInterval(timer));
  }

  /** The time until a change ends, such as `14:59` or `3:59:59`. */
  protected left({ until }: LogLevel): string {
    const seconds = Math.max(0, Math.ceil((Date.parse(until) - this.clock()) / 1000));
    const two = (count: number) => String(count).padStart(2, '0');
    const hours = Math.floor(seconds / 3600);
    const minutes = Math.floor(seconds / 60) % 60;
    return hours
      ? `${String(hours)}:${two(minutes)}:${two(seconds % 60)}`
      : `${String(minutes)}:${two(seconds % 60)}`;
  }

  protected async set(): Promise<void> {
    const level = this.level();
    if (await this.send({ level, minutes: this.minutes(), logger: this.logger() || null }))
      this.notices.say(this.t().done(level));
  }

  protected async reset(change: LogLevel): Promise<void> {
    if (!(await this.send({ level: null, logger: change.logger }))) return;
    this.notices.say(this.t().undone);
    afterNextRender(() => this.host.querySelector<HTMLElement>('.change button, h1')?.focus(), {
      injector: this.injector,
    });
  }

  private async send(body: LogLevelChange): Promise<boolean> {
    this.busy.set(true);
    try {
      this.resource.set(await firstValueFrom(this.service.changeLogLevel({ body })));
      return true;
    } catch (error) {
      this.notices.fail(error);
      return false;
    } finally {
      this.busy.set(false);
    }
  }
}
