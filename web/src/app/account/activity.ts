import { Component, computed } from '@angular/core';
import { MatButton } from '@angular/material/button';
import { RouterLink } from '@angular/router';

import { listMyActivity } from '../api/fn/audit/list-my-activity';
import type { Activity } from '../api/models';
import { nameDevice } from '../kernel/device';
import { refreshOn } from '../kernel/live';
import { readList } from '../kernel/read';
import { Icon } from '../ui/icon';
import { AppList } from '../ui/list';
import { Page } from '../ui/page';
import { Empty } from '../ui/states';
import { Time } from '../ui/time';
import { isNotable, sentence, symbol } from './sentences';
import { t as texts } from './texts';

@Component({
  selector: 'app-activity-list',
  imports: [AppList, Empty, Icon, MatButton, Page, RouterLink, Time],
  template: `
    <app-page [heading]="t().heading" [lead]="t().lead">
      <button
        actions
        mat-stroked-button
        type="button"
        [disabled]="entries.isLoading()"
        (click)="entries.reload()"
      >
        {{ t().reload }}
      </button>
      <app-list [list]="entries">
        <ng-template #empty>
          <app-empty icon="history" [heading]="t().empty" [text]="t().emptyText" />
        </ng-template>
        <ng-template #rows>
          <ul class="rows">
            @for (entry of entries.items(); track entry.id) {
              <li>
                <app-icon [name]="symbol(entry)" [class]="isNotable(entry) ? 'notable' : 'quiet'" />
                <div class="grow">
                  <div class="row">
                    <strong>{{ sentence(entry) }}</strong>
                    @if (entry.by !== 'you') {
                      <span class="badge">{{ t().by[entry.by] }}</span>
                    }
                  </div>
                  @if (origin(entry); as origin) {
                    <p class="quiet small" [attr.title]="entry.user_agent">{{ origin }}</p>
                  }
                </div>
                <app-time class="quiet small" [at]="entry.created_at" />
              </li>
            }
          </ul>
        </ng-template>
      </app-list>
      <p class="quiet small note">
        {{ t().unknown }} <a routerLink="/account/sessions">{{ t().sessions }}</a> ·
        <a routerLink="/account/password">{{ t().password }}</a>
      </p>
    </app-page>
  `,
  styles: `
    .notable {
      color: var(--caution);
    }
    .rows > li {
      flex-wrap: nowrap;
    }
    .rows .grow {
      flex-basis: 0;
    }
    .note {
      margin: 0.75rem 1.25rem;
    }
  `,
})
export class ActivityList {
  protected readonly t = computed(() => texts().activity);
  protected readonly entries = readList(listMyActivity, () => ({}));

  protected readonly sentence = sentence;
  protected readonly symbol = symbol;
  protected readonly isNotable = isNotable;

  constructor() {
    refreshOn(['*'], this.entries, ({ own }) => own);
  }

  protected origin({ user_agent, address }: Activity): string {
    return [user_agent && nameDevice(user_agent), address].filter(Boolean).join(' · ');
  }
}
