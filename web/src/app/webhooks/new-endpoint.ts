import { Component, computed, inject, signal } from '@angular/core';
import { form, FormField, FormRoot, required } from '@angular/forms/signals';
import { MatButton } from '@angular/material/button';
import { RouterLink } from '@angular/router';

import type { CreatedEndpoint } from '../api/models';
import { WebhooksService } from '../api/services';
import { Session } from '../kernel/session';
import { submit } from '../kernel/submit';
import { keepTyped } from '../kernel/typed';
import { Check } from '../ui/check';
import { AppField } from '../ui/field';
import { FormError } from '../ui/form-error';
import { Icon } from '../ui/icon';
import { Page } from '../ui/page';
import { EventsField } from './events-field';
import { endpointDescription, endpointEvents, endpointUrl, ownSecret } from './rules';
import { SecretOnce } from './secret-once';
import { t as texts } from './texts';

interface Values {
  url: string;
  description: string;
  events: readonly string[];
  scope: 'own' | 'all';
  isOwn: boolean;
  secret: string;
}

@Component({
  selector: 'app-new-endpoint',
  imports: [
    AppField,
    Check,
    EventsField,
    FormError,
    FormField,
    FormRoot,
    Icon,
    MatButton,
    Page,
    RouterLink,
    SecretOnce,
  ],
  templateUrl: './new-endpoint.html',
  styleUrl: '../ui/options.scss',
  styles: `
    .narrow {
      max-inline-size: 42rem;
    }
    .scopes {
      grid-template-columns: repeat(auto-fit, minmax(min(100%, 14rem), 1fr));
    }
    .stack {
      gap: 1.25rem;
    }
  `,
})
export class NewEndpointPage {
  private readonly webhooks = inject(WebhooksService);
  protected readonly isSuperuser = inject(Session).isSuperuser;
  protected readonly all = texts;
  protected readonly t = computed(() => texts().create);
  protected readonly names = computed(() => texts().fields);
  protected readonly created = signal<CreatedEndpoint | null>(null);
  protected readonly refusal = signal<string | null>(null);

  private readonly typed: Values | null = keepTyped('webhook', () =>
    this.created() ? null : { ...this.model(), isOwn: false, secret: '' },
  );
  private readonly model = signal<Values>(
    this.typed ?? { url: '', description: '', events: ['*'], scope: 'own', isOwn: false, secret: '' },
  );
  protected readonly form = form(
    this.model,
    (path) => {
      endpointUrl(path.url);
      endpointDescription(path.description);
      endpointEvents(path.events);
      required(path.secret, { when: ({ valueOf }) => valueOf(path.isOwn) });
      ownSecret(path.secret);
    },
    {
      submission: submit({
        send: ({ url, description, events, scope, isOwn, secret }: Values) => {
          this.refusal.set(null);
          return this.webhooks.createWebhook({
            body: {
              url: url.trim(),
              description: description.trim(),
              events: [...events],
              scope,
              ...(isOwn ? { secret: secret.trim() } : {}),
            },
          });
        },
        failed: ({ code, detail }) => {
          this.refusal.set(code.startsWith('WEBHOOK_') ? detail : null);
          return this.refusal() !== null;
        },
        done: (created: CreatedEndpoint) => this.created.set(created),
      }),
    },
  );
}
