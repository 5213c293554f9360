import { Component, computed, effect, inject, linkedSignal, model, signal, untracked } from '@angular/core';
import { form, FormField, FormRoot } from '@angular/forms/signals';
import { MatButton } from '@angular/material/button';
import { MatDialog } from '@angular/material/dialog';
import { firstValueFrom } from 'rxjs';

import { WebhooksService } from '../api/services';
import { Notices } from '../kernel/notices';
import { problemOf } from '../kernel/problem';
import { submit } from '../kernel/submit';
import { resolveConflict } from '../ui/conflict';
import { AppField } from '../ui/field';
import { FormError } from '../ui/form-error';
import { EventsField } from './events-field';
import { endpointDescription, endpointEvents, endpointUrl } from './rules';
import { t as texts } from './texts';
import { changedFields, changeOf, Loaded, loadedFrom, take, textOf, Values, valuesOf } from './values';

/** The settings of a webhook. A change in another window in the meantime is resolved field by field. */
@Component({
  selector: 'app-endpoint-form',
  imports: [AppField, EventsField, FormError, FormField, FormRoot, MatButton],
  template: `
    <form [formRoot]="form">
      <app-form-error [form]="form" />
      <app-field [label]="names().url" [hint]="names().urlHint">
        <input type="url" [formField]="form.url" autocomplete="off" spellcheck="false" />
      </app-field>
      <app-field [label]="names().description" [optional]="true">
        <input type="text" [formField]="form.description" autocomplete="off" />
      </app-field>
      <app-events-field [formField]="form.events" />
      <div class="form-actions">
        <button mat-flat-button [disabled]="!changed() || form().submitting()" disabledInteractive>
          {{ t().save }}
        </button>
        @if (changed()) {
          <button mat-button type="button" [disabled]="form().submitting()" (click)="discard()">
            {{ t().discard }}
          </button>
        }
      </div>
    </form>
  `,
})
export class EndpointForm {
  readonly loaded = model.required<Loaded>();

  private readonly webhooks = inject(WebhooksService);
  private readonly notices = inject(Notices);
  private readonly dialogs = inject(MatDialog);
  protected readonly t = computed(() => texts().one);
  protected readonly names = computed(() => texts().fields);

  // The page reads the webhook again and again. What the form began with stays while something is typed, so that a
  // change in another window is noticed when it is saved.
  private readonly kept = signal<Loaded | undefined>(undefined);
  private readonly began = computed(() => this.kept() ?? this.loaded());
  private readonly base = computed(() => valuesOf(this.began().endpoint), { equal: sameValues });
  private readonly values = linkedSignal<Values>(() => this.base());
  protected readonly changed = computed(() => changedFields(this.base(), this.values()).length > 0);
  protected readonly form = form(
    this.values,
    (path) => {
      endpointUrl(path.url);
      endpointDescription(path.description);
      endpointEvents(path.events);
    },
    {
      submission: submit({
        send: (values: Values) => this.save(values),
        done: (saved) => {
          if (saved) this.notices.say(this.t().saved);
        },
      }),
    },
  );

  constructor() {
    effect(() => {
      const loaded = this.loaded();
      if (!untracked(this.changed)) this.kept.set(loaded);
    });
  }

  protected discard(): void {
    this.kept.set(this.loaded());
    this.form().reset(valuesOf(this.loaded().endpoint));
  }

  /** Save, and return whether it was done; false if the person cancelled. */
  private async save(values: Values): Promise<boolean> {
    for (let mine: Values | undefined = values; mine;) {
      const [{ endpoint, etag }, base] = [this.began(), this.base()];
      const body = changeOf(base, mine);
      try {
        const saved = await firstValueFrom(
          this.webhooks.changeWebhook$Response({ id: endpoint.id, 'If-Match': etag, body }),
        );
        this.adopt(loadedFrom(saved));
        return true;
      } catch (error) {
        if (problemOf(error).code !== 'PRECONDITION_FAILED') throw error;
        mine = await this.resolve(mine, base);
      }
    }
    return false;
  }

  private adopt(saved: Loaded | undefined): void {
    if (!saved) return;
    this.kept.set(saved);
    this.form().reset(valuesOf(saved.endpoint));
    this.loaded.set(saved);
  }

  /** Read the webhook again, and let the person choose between the values. */
  private async resolve(mine: Values, base: Values): Promise<Values | undefined> {
    const { id } = this.began().endpoint;
    const now = loadedFrom(await firstValueFrom(this.webhooks.showWebhook$Response({ id })));
    if (!now) return undefined;
    const current = valuesOf(now.endpoint);
    const fields = changedFields(current, mine);
    let merged: Values | undefined = mine;
    if (changedFields(base, current).length && fields.length) {
      const differences = fields.map((field) => ({
        field,
        label: this.names()[field],
        base: textOf(base[field]),
        mine: textOf(mine[field]),
        current: textOf(current[field]),
      }));
      const kept = await resolveConflict(this.dialogs, this.t().conflict, differences);
      const ours = fields.filter((field) => kept?.includes(field));
      merged = kept && take(ours, mine, current);
    }
    if (!merged) return undefined; // the form keeps what was typed, and its tag: saving again asks again
    this.kept.set(now);
    this.values.set(merged);
    return merged;
  }
}

function sameValues(left: Values, right: Values): boolean {
  return changedFields(left, right).length === 0;
}
