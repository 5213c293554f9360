import { inject, Injectable, signal } from '@angular/core';
import { firstValueFrom } from 'rxjs';

import type { DeadLetterFilter } from '../api/models';
import { OperationsService } from '../api/services';
import { Notices } from '../kernel/notices';
import { problemOf } from '../kernel/problem';
import { Confirm } from '../ui/confirm';
import { t } from './texts';

export type Verb = 'retry' | 'discard';
/** The filter of the list. */
export type Filter = Pick<DeadLetterFilter, 'kind' | 'type' | 'key'>;

const MOST_IDS = 500; // that one request takes

/** Retry and discard of dead letters. A discard asks first; each says what was done, and why something failed. */
@Injectable()
export class Decisions {
  private readonly service = inject(OperationsService);
  private readonly notices = inject(Notices);
  private readonly confirm = inject(Confirm);
  private readonly stopped = signal(false);

  /** The progress of a decision that goes on. */
  readonly progress = signal<{ readonly done: number; readonly of: number } | null>(null);

  /** Decide on one. Return whether it is gone from the list. */
  async decideOne(verb: Verb, id: string): Promise<boolean> {
    if (verb === 'discard' && !(await this.confirm.ask({ ...t().confirm(1), danger: true }))) return false;
    try {
      await firstValueFrom(
        verb === 'retry' ? this.service.retryDeadLetter({ id }) : this.service.discardDeadLetter({ id }),
      );
      this.say(verb, 1);
      return true;
    } catch (error) {
      if (problemOf(error).status === 404) {
        this.notices.say(t().gone);
        return true;
      }
      this.notices.fail(error);
      return false;
    }
  }

  /** Decide on these. Return whether it was begun. */
  decideThese(verb: Verb, ids: readonly string[]): Promise<boolean> {
    const filters: DeadLetterFilter[] = [];
    for (let start = 0; start < ids.length; start += MOST_IDS)
      filters.push({ ids: ids.slice(start, start + MOST_IDS) });
    return this.decide(verb, ids.length, filters);
  }

  /** Decide on all that match. Return whether it was begun. */
  decideAll(verb: Verb, filter: Filter, total: number): Promise<boolean> {
    return this.decide(verb, total, [filter]);
  }

  /** Send no further request. */
  stop(): void {
    this.stopped.set(true);
  }

  private async decide(verb: Verb, total: number, filters: readonly DeadLetterFilter[]): Promise<boolean> {
    if (verb === 'discard' && !(await this.confirm.ask({ ...t().confirm(total), danger: true })))
      return false;
    const begun = Date.now();
    let done = 0;
    this.stopped.set(false);
    this.progress.set({ done, of: total });
    try {
      for (const filter of filters) {
        for (let left = 1; left > 0 && !this.stopped();) {
          // Not those that failed again since the begin: a retry of them would never end.
          const body = { ...filter, older_than: (Date.now() - begun) / 1000 };
          const result = await firstValueFrom(
            verb === 'retry'
              ? this.service.retryDeadLetters({ body })
              : this.service.discardDeadLetters({ body }),
          );
          done += result.count;
          left = result.count ? result.left : 0;
          this.progress.set({ done, of: Math.max(total, done) });
        }
      }
      this.say(verb, done);
    } catch (error) {
      this.notices.fail(error);
    } finally {
      this.progress.set(null);
    }
    return true;
  }

  private say(verb: Verb, count: number): void {
    this.notices.say(verb === 'retry' ? t().retried(count) : t().discarded(count));
  }
}
