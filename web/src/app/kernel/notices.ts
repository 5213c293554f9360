import { inject, Injectable } from '@angular/core';
import { MatSnackBar } from '@angular/material/snack-bar';

import { problemOf } from './problem';

/** Short messages at the edge of the window, read out by screen readers. */
@Injectable({ providedIn: 'root' })
export class Notices {
  private readonly bar = inject(MatSnackBar);

  /** Say that something was done. */
  say(text: string): void {
    this.bar.open(text, undefined, { duration: 5000 });
  }

  /** Say that something was done, with a way to take it back. */
  offer(text: string, action: string, run: () => void): void {
    this.bar.open(text, action, { duration: 8000 }).onAction().subscribe(run);
  }

  /** Say why an action outside a form failed. */
  fail(error: unknown): void {
    const { detail, status } = problemOf(error);
    if (status === -1) console.error(error);
    this.bar.open(detail, undefined, { duration: 8000, politeness: 'assertive' });
  }
}
