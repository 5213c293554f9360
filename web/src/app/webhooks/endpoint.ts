import { Component, computed, inject, input, linkedSignal, signal, viewChild } from '@angular/core';
import { MatButton } from '@angular/material/button';
import { MatDialog } from '@angular/material/dialog';
import { Router, RouterLink } from '@angular/router';
import { firstValueFrom, type Observable } from 'rxjs';

import { showWebhook } from '../api/fn/webhooks/show-webhook';
import type { Endpoint } from '../api/models';
import { WebhooksService } from '../api/services';
import { refreshOn } from '../kernel/live';
import { Notices } from '../kernel/notices';
import { problemOf } from '../kernel/problem';
import { firstText } from '../kernel/query';
import { read } from '../kernel/read';
import { refreshEvery } from '../kernel/refresh';
import { Confirm } from '../ui/confirm';
import { Copyable } from '../ui/copyable';
import { Icon } from '../ui/icon';
import { Page } from '../ui/page';
import { Failure, Skeleton } from '../ui/states';
import { Time } from '../ui/time';
import { StateBadge, stateOf } from './badge';
import { DeliveryLog } from './delivery-log';
import { EndpointForm } from './endpoint-form';
import { Rotate } from './rotate';
import { TestResult } from './test-result';
import { t as texts, why } from './texts';
import { load, Loaded, loadedFrom } from './values';

@Component({
  selector: 'app-endpoint',
  imports: [
    Copyable,
    DeliveryLog,
    EndpointForm,
    Failure,
    Icon,
    MatButton,
    Page,
    RouterLink,
    Skeleton,
    StateBadge,
    TestResult,
    Time,
  ],
  templateUrl: './endpoint.html',
  styleUrls: ['../ui/back.scss', './endpoint.scss'],
})
export class EndpointPage {
  /** From the path. */
  readonly id = input.required<string>();
  /** From the query: the filters of the log. */
  readonly state = input(undefined, { transform: firstText });
  readonly type = input(undefined, { transform: firstText });

  private readonly webhooks = inject(WebhooksService);
  private readonly notices = inject(Notices);
  private readonly confirm = inject(Confirm);
  private readonly dialogs = inject(MatDialog);
  private readonly router = inject(Router);
  private readonly log = viewChild(DeliveryLog);
  protected readonly all = texts;
  protected readonly why = why;
  protected readonly t = computed(() => texts().one);
  protected readonly stateOf = stateOf;

  protected readonly read = read(showWebhook, () => ({ id: this.id() }));
  /** The webhook as it was read last, and after each change of this page. */
  protected readonly loaded = linkedSignal<Loaded | undefined, Loaded | undefined>({
    source: () => (this.read.hasValue() ? load(this.read.value(), this.read.headers()) : undefined),
    computation: (loaded, previous) => loaded ?? keep(previous?.value, this.id()),
  });
  protected readonly failure = computed(() => {
    const error = this.read.error();
    return error && (!this.loaded() || problemOf(error).status === 404) ? error : undefined;
  });
  protected readonly heading = computed(() => {
    const endpoint = this.loaded()?.endpoint;
    return endpoint ? endpoint.description || endpoint.url : this.t().heading;
  });
  protected readonly busy = signal(false);
  protected readonly tested = signal<string | null>(null);

  constructor() {
    refreshOn(
      ['webhooks.*'],
      this.read,
      ({ id, type }) => id === this.id() && (type !== 'webhooks.deleted' || !this.busy()),
    );
    refreshEvery(60, () => this.read.reload()); // the log tells what changes without events, unless it is filtered
  }

  protected async enable(endpoint: Endpoint, is_enabled: boolean): Promise<void> {
    await this.act(async () => {
      const response = await firstValueFrom(
        this.webhooks.changeWebhook$Response({ id: endpoint.id, body: { is_enabled } }),
      );
      this.put(loadedFrom(response));
      this.log()?.refresh();
      const { enabled, released, disabled, undo } = this.t();
      if (is_enabled) this.notices.say(endpoint.waiting ? released(endpoint.waiting) : enabled);
      else this.notices.offer(disabled, undo, () => void this.enable(endpoint, true));
    });
  }

  protected async test(): Promise<void> {
    await this.act(async () => {
      this.tested.set(null);
      const { id } = await firstValueFrom(this.webhooks.testWebhook({ id: this.id() }));
      this.tested.set(id);
      this.log()?.refresh();
    });
  }

  protected async rotate(): Promise<void> {
    const dialog = this.dialogs.open<Rotate, string>(Rotate, {
      data: this.id(),
      width: '42rem',
      maxWidth: '94vw',
    });
    await firstValueFrom(dialog.afterClosed());
    this.read.reload();
  }

  protected async revoke(): Promise<void> {
    const { revokeTitle: title, revokeText: text, revoke: action, revoked } = this.t();
    if (!(await this.confirm.ask({ title, text, action, danger: true }))) return;
    await this.act(async () => {
      await this.send(this.webhooks.revokeSecrets({ id: this.id() }), revoked);
      this.read.reload();
    });
  }

  protected async remove(): Promise<void> {
    const { removeTitle: title, removeSure: text, remove: action, removed } = this.t();
    if (!(await this.confirm.ask({ title, text, action, danger: true }))) return;
    await this.act(async () => {
      await this.send(this.webhooks.deleteWebhook({ id: this.id() }), removed);
      await this.router.navigateByUrl('/webhooks');
    });
  }

  protected put(loaded: Loaded | undefined): void {
    if (loaded?.endpoint.id === this.id()) this.loaded.set(loaded);
  }

  private async send(request: Observable<unknown>, done: string): Promise<void> {
    await firstValueFrom(request, { defaultValue: undefined });
    this.notices.say(done);
  }

  private async act(action: () => Promise<void>): Promise<void> {
    this.busy.set(true);
    try {
      await action();
    } catch (error) {
      this.notices.fail(error);
      this.read.reload();
    } finally {
      this.busy.set(false);
    }
  }
}

// The page may show another webhook by now.
function keep(loaded: Loaded | undefined, id: string): Loaded | undefined {
  return loaded?.endpoint.id === id ? loaded : undefined;
}
