import { Component, inject } from '@angular/core';
import { DOCUMENT } from '@angular/common';
import { Router, RouterOutlet } from '@angular/router';

import { Connection } from './kernel/connection';
import { followLanguage, texts } from './kernel/language';
import { restoreScrolling } from './kernel/scrolling';
import { Session } from './kernel/session';
import { followTheme } from './kernel/theme';
import { CrashDialog } from './ui/crash-dialog';
import { Failure } from './ui/states';

const t = texts({
  en: {
    offline: (seconds: number) => `The server cannot be reached. Trying again in ${String(seconds)} s.`,
    now: 'Try now',
  },
  de: {
    offline: (seconds: number) => `Der Server ist nicht erreichbar. Neuer Versuch in ${String(seconds)} s.`,
    now: 'Jetzt versuchen',
  },
});

@Component({
  selector: 'app-root',
  imports: [CrashDialog, Failure, RouterOutlet],
  template: `
    @if (connection.offline()) {
      <div class="offline">
        <span role="status" class="visually-hidden">{{ t().offline(1) }}</span>
        <span aria-hidden="true">{{ t().offline(connection.next()) }}</span>
        <button type="button" class="link" (click)="connection.tryNow()">{{ t().now }}</button>
      </div>
    }
    @if (session.state() === 'failed') {
      <main><app-failure [error]="session.error()" (retry)="retry()" /></main>
    }
    <div [hidden]="session.state() === 'failed'"><router-outlet /></div>
    <app-crash-dialog />
  `,
  styles: `
    .offline {
      position: sticky;
      inset-block-start: 0;
      z-index: 20;
      display: flex;
      flex-wrap: wrap;
      justify-content: center;
      gap: 0.25rem 1rem;
      padding: 0.5rem 1rem;
      background: var(--caution-container);
      color: var(--caution);
      font-size: 0.875rem;
      font-weight: 500;
    }
    .offline .link {
      color: inherit;
    }
  `,
})
export class App {
  protected readonly connection = inject(Connection);
  protected readonly session = inject(Session);
  protected readonly t = t;
  private readonly router = inject(Router);

  constructor() {
    const document = inject(DOCUMENT);
    followLanguage(document);
    followTheme(document);
    restoreScrolling();
  }

  protected retry(): void {
    // A page that is open or waits for the answer has texts, or the token of a link, which a reload would lose.
    if (this.router.lastSuccessfulNavigation() ?? this.router.currentNavigation())
      void this.session.recheck();
    else location.reload();
  }
}
