import { ErrorHandler, inject, Injectable, Injector, signal } from '@angular/core';

import { Connection } from './connection';
import { isRecovered } from './navigation';

/** An error that no part of the application has handled. */
export interface Crash {
  /** `release`: a file of this build is gone, since a new version was installed. */
  readonly kind: 'error' | 'release';
  /** For a report to the developers. */
  readonly details: string;
}

/** The first unhandled error since the last reload or dismissal. */
export const crash = signal<Crash | null>(null);

// Of Chrome, Firefox and Safari, in this order.
const MISSING_FILE = /dynamically imported module|Importing a module script failed/i;

/** Shows unhandled errors (app.ts), so that a failure is never a blank or a dead page. */
@Injectable()
export class CrashHandler implements ErrorHandler {
  private readonly injector = inject(Injector); // what it gives needs this class

  handleError(error: unknown): void {
    console.error(error);
    if (isRecovered(error)) return;
    if (MISSING_FILE.test(String(error))) void this.missing(error);
    else this.show('error', error);
  }

  /** A file could not be loaded: the server is out of reach, or has another build. */
  private async missing(error: unknown): Promise<void> {
    try {
      await fetch('/api/health/live', { cache: 'no-store' });
    } catch {
      // Its bar says so. Nothing is reloaded, which would lose what was typed: the same action works after that.
      void this.injector.get(Connection).lost();
      return;
    }
    this.show('release', error);
  }

  private show(kind: Crash['kind'], error: unknown): void {
    const text = error instanceof Error ? (error.stack ?? String(error)) : String(error);
    const lines = [new Date().toISOString(), location.href, navigator.userAgent, text];
    crash.update((first) => first ?? { kind, details: lines.join('\n') });
  }
}
