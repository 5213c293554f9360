import { Component, computed, inject, signal } from '@angular/core';
import { MatButton } from '@angular/material/button';
import { MAT_DIALOG_DATA, MatDialogModule } from '@angular/material/dialog';
import { RouterLink } from '@angular/router';

import type { AuditEntry } from '../api/models';
import { nameDevice } from '../kernel/device';
import { Copyable } from '../ui/copyable';
import { Time } from '../ui/time';
import { subjectOf } from './subject';
import { t as texts } from './texts';

export interface Shown {
  readonly entry: AuditEntry;
  /** Hash of the entry before it in the chain, where that is loaded. */
  readonly previousHash: string | null;
}

/**
 * One entry. The browser cannot verify it: the hashes of the data and the origin, which the hash of an entry covers,
 * stay on the server. The command that verifies the chain up to it is shown.
 */
@Component({
  selector: 'app-entry',
  imports: [Copyable, MatButton, MatDialogModule, RouterLink, Time],
  template: `
    <h2 mat-dialog-title>{{ name() }}</h2>
    <mat-dialog-content>
      <dl>
        <dt>{{ t().time }}</dt>
        <dd><app-time [at]="entry.created_at" [exactly]="true" /></dd>
        <dt>{{ t().type }}</dt>
        <dd>
          <code>{{ entry.type }}</code>
        </dd>
        <dt>{{ t().actor }}</dt>
        <dd>
          @if (entry.principal_id; as id) {
            <a [routerLink]="['/people', id]" mat-dialog-close>{{ id }}</a>
          } @else {
            {{ t().noActor }}
          }
        </dd>
        <dt>{{ t().about }}</dt>
        <dd>
          @if (subject; as id) {
            <a [routerLink]="['/people', id]" mat-dialog-close>{{ id }}</a>
          } @else {
            –
          }
        </dd>
        <dt>{{ t().address }}</dt>
        <dd>{{ entry.address ?? '–' }}</dd>
        <dt>{{ t().device }}</dt>
        <dd [attr.title]="entry.user_agent">{{ device ?? '–' }}</dd>
        <dt>{{ t().id }}</dt>
        <dd><app-copyable [text]="entry.id" /></dd>
        <dt>{{ t().trace }}</dt>
        <dd><app-copyable [text]="traceId" /></dd>
      </dl>

      <section>
        <div class="head">
          <h3 id="entry-data">{{ t().data }}</h3>
          @if (entry.data) {
            <button mat-button type="button" (click)="copy()">
              {{ copied() ? t().copied : t().copy }}
            </button>
          }
        </div>
        @if (entry.data) {
          <pre tabindex="0" aria-labelledby="entry-data" role="region">{{ json }}</pre>
        } @else {
          <p class="quiet">{{ t().erased }}</p>
        }
      </section>

      <section>
        <h3>{{ t().chain }}</h3>
        @if (entry.hash) {
          <dl>
            <dt>{{ t().position }}</dt>
            <dd>{{ entry.position }}</dd>
            <dt>{{ t().hash }}</dt>
            <dd><app-copyable [text]="entry.hash" /></dd>
            <dt>{{ t().previous }}</dt>
            <dd>
              @if (shown.previousHash; as hash) {
                <app-copyable [text]="hash" />
              } @else {
                {{ entry.position === 1 ? t().first : t().notLoaded }}
              }
            </dd>
          </dl>
          <p class="quiet small">{{ t().verify }}</p>
          <p><app-copyable [text]="command" /></p>
        } @else {
          <p class="quiet">{{ t().unsealed }}</p>
        }
      </section>
    </mat-dialog-content>
    <mat-dialog-actions align="end">
      <button mat-flat-button type="button" mat-dialog-close>{{ t().close }}</button>
    </mat-dialog-actions>
  `,
  styles: `
    mat-dialog-content {
      display: grid;
      gap: 1.25rem;
      color: var(--mat-sys-on-surface);
    }
    dl {
      display: grid;
      grid-template-columns: minmax(6rem, auto) minmax(0, 1fr);
      gap: 0.5rem 1.25rem;
      margin: 0;
      font-size: 0.875rem;
    }
    dt {
      color: var(--quiet);
    }
    dd {
      margin: 0;
      min-inline-size: 0;
      overflow-wrap: anywhere;
    }
    dd a {
      font-family: var(--mono);
      font-size: 0.8125rem;
    }
    section {
      display: grid;
      gap: 0.5rem;
      min-inline-size: 0;
    }
    .head {
      display: flex;
      align-items: center;
      justify-content: space-between;
    }
    pre {
      margin: 0;
      padding: 0.75rem 1rem;
      overflow: auto;
      border: 1px solid var(--line);
      border-radius: 0.5rem;
      background: var(--mat-sys-surface-container-low);
    }
    @media (max-width: 32rem) {
      dl {
        grid-template-columns: minmax(0, 1fr);
        gap: 0;
      }
      dd + dt {
        margin-block-start: 0.5rem;
      }
    }
  `,
})
export class Entry {
  protected readonly shown = inject<Shown>(MAT_DIALOG_DATA);
  protected readonly entry = this.shown.entry;
  protected readonly t = computed(() => texts().entry);
  protected readonly name = computed(() => {
    const names: Readonly<Partial<Record<string, string>>> = texts().types;
    return names[this.entry.type] ?? this.entry.type;
  });
  protected readonly subject = subjectOf(this.entry);
  protected readonly device = this.entry.user_agent && nameDevice(this.entry.user_agent);
  protected readonly traceId = this.entry.traceparent.split('-')[1] ?? this.entry.traceparent; // W3C Trace Context
  protected readonly json = JSON.stringify(this.entry.data, null, 2);
  protected readonly command = `make audit EXPECT=${String(this.entry.position)}:${this.entry.hash ?? ''}`;
  protected readonly copied = signal(false);

  protected async copy(): Promise<void> {
    await navigator.clipboard.writeText(this.json);
    this.copied.set(true);
    setTimeout(() => this.copied.set(false), 2000);
  }
}
