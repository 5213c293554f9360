import { Component, computed } from '@angular/core';

import { listSchedules } from '../api/fn/operations/list-schedules';
import { refreshOn } from '../kernel/live';
import { lastValue, read } from '../kernel/read';
import { refreshEvery } from '../kernel/refresh';
import { Icon } from '../ui/icon';
import { Page } from '../ui/page';
import { Failure, Skeleton } from '../ui/states';
import { Time } from '../ui/time';
import { formatAge } from './amounts';
import { t as texts } from './task-texts';

@Component({
  selector: 'app-schedules',
  imports: [Failure, Icon, Page, Skeleton, Time],
  styleUrls: ['./tables.scss', './schedules.scss'],
  template: `
    <app-page [heading]="t().heading" [lead]="t().lead">
      @if (all(); as all) {
        <div class="stack">
          <section class="card">
            <h2 id="schedules">{{ t().schedules }}</h2>
            @if (all.schedules.length) {
              <div class="table" tabindex="0" role="region" aria-labelledby="schedules">
                <table>
                  <thead>
                    <tr>
                      <th scope="col">{{ t().task }}</th>
                      <th scope="col">{{ t().times }}</th>
                      <th scope="col">{{ t().lastRun }}</th>
                      <th scope="col">{{ t().nextRun }}</th>
                    </tr>
                  </thead>
                  <tbody>
                    @for (schedule of all.schedules; track schedule.task) {
                      <tr>
                        <th scope="row">{{ schedule.task }}</th>
                        <td>
                          <code>{{ schedule.declared }}</code>
                        </td>
                        <td>
                          @if (schedule.last_at; as last) {
                            <app-time [at]="last" />
                          } @else {
                            <span class="quiet">{{ t().never }}</span>
                          }
                        </td>
                        <td><app-time [at]="schedule.next_at" /></td>
                      </tr>
                    }
                  </tbody>
                </table>
              </div>
            } @else {
              <p class="none"><app-icon name="info" />{{ t().noSchedules }}</p>
            }
          </section>
          <section class="card">
            <h2 id="sweeps">{{ t().sweeps }}</h2>
            @if (all.sweeps?.length) {
              <div class="table" tabindex="0" role="region" aria-labelledby="sweeps">
                <table>
                  <thead>
                    <tr>
                      <th scope="col">{{ t().sweep }}</th>
                      <th scope="col" class="number">{{ t().every }}</th>
                      <th scope="col">{{ t().last }}</th>
                      <th scope="col">{{ t().next }}</th>
                      <th scope="col">{{ t().work }}</th>
                    </tr>
                  </thead>
                  <tbody>
                    @for (sweep of all.sweeps; track sweep.name) {
                      <tr>
                        <th scope="row">{{ sweep.name }}</th>
                        <td class="number">{{ formatAge(sweep.seconds) }}</td>
                        <td>
                          @if (failed(sweep); as at) {
                            <span class="badge bad"
                              ><app-icon name="error" />{{ sweep.error ?? t().failed }}</span
                            >
                            <app-time [at]="at" />
                          } @else if (sweep.ended_at) {
                            <app-time [at]="sweep.ended_at" />
                          } @else {
                            <span class="quiet">{{ t().never }}</span>
                          }
                        </td>
                        <td>
                          @if (sweep.next_at; as next) {
                            <app-time [at]="next" />
                          } @else {
                            <span class="badge good">{{ t().running }}</span>
                          }
                        </td>
                        <td>
                          @if (sweep.worked_at; as worked) {
                            {{ t().rows(sweep.rows) }}, <app-time [at]="worked" />
                          } @else {
                            <span class="quiet">–</span>
                          }
                        </td>
                      </tr>
                    }
                  </tbody>
                </table>
              </div>
            } @else {
              <p class="none">
                <app-icon name="info" />{{ all.sweeps === null ? t().noCache : t().noSweeps }}
              </p>
            }
          </section>
        </div>
        <p class="quiet small note">{{ t().updated }}</p>
      } @else if (resource.error(); as error) {
        <div class="card"><app-failure [error]="error" (retry)="resource.reload()" /></div>
      } @else {
        <div class="card"><app-skeleton [rows]="8" /></div>
      }
    </app-page>
  `,
})
export class SchedulesPage {
  protected readonly t = computed(() => texts().schedules);
  protected readonly resource = read(listSchedules, () => ({}));
  protected readonly all = lastValue(this.resource);
  protected readonly formatAge = formatAge;

  constructor() {
    refreshOn(['outbox.schedules'], this.resource);
    refreshEvery(30, () => this.resource.reload()); // sweeps without work give no hint
  }

  /** When a sweep failed, if it has not succeeded since. */
  protected failed({
    failed_at,
    ended_at,
  }: {
    failed_at: string | null;
    ended_at: string | null;
  }): string | null {
    return failed_at && (!ended_at || Date.parse(failed_at) > Date.parse(ended_at)) ? failed_at : null;
  }
}
