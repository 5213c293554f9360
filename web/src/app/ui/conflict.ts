import { Component, ElementRef, inject, signal } from '@angular/core';
import { MatButton } from '@angular/material/button';
import { MAT_DIALOG_DATA, MatDialog, MatDialogModule, MatDialogRef } from '@angular/material/dialog';
import { firstValueFrom } from 'rxjs';

import { texts } from '../kernel/language';
import { t as shared } from './texts';

/** A field with different values, as texts. */
export interface Difference {
  readonly field: string;
  readonly label: string;
  /** The value when the person began to edit it. */
  readonly base: string;
  readonly mine: string;
  /** The value now, after another change. */
  readonly current: string;
}

interface Conflict {
  readonly title: string;
  readonly differences: readonly Difference[];
}

const SIDES = ['mine', 'current'] as const;
type Side = (typeof SIDES)[number];

const t = texts({
  en: {
    text: 'Another change was saved after you opened this page. Choose which values to keep.',
    mine: 'Yours',
    current: 'Current',
    none: 'None',
    choose: 'Choose one of the two values.',
    action: 'Save again',
  },
  de: {
    text: 'Nachdem Sie diese Seite geöffnet haben, wurde eine andere Änderung gespeichert. Wählen Sie, welche Werte gelten sollen.',
    mine: 'Ihr Wert',
    current: 'Aktueller Wert',
    none: 'Keine',
    choose: 'Wählen Sie einen der beiden Werte.',
    action: 'Erneut speichern',
  },
});

// A value that only one of the two changed is chosen from the start.
function likely({ base, mine, current }: Difference): Side | undefined {
  if (mine === base) return 'current';
  return current === base ? 'mine' : undefined;
}

@Component({
  selector: 'app-conflict',
  imports: [MatButton, MatDialogModule],
  template: `
    <h2 mat-dialog-title>{{ conflict.title }}</h2>
    <mat-dialog-content>
      <p>{{ t().text }}</p>
      @for (each of conflict.differences; track each.field) {
        <fieldset>
          <legend>{{ each.label }}</legend>
          @for (side of SIDES; track side) {
            <label class="check" [class.chosen]="choices()[each.field] === side">
              <input
                type="radio"
                [name]="'conflict-' + each.field"
                [value]="side"
                [checked]="choices()[each.field] === side"
                (change)="choose(each.field, side)"
              />
              <span>
                <span class="quiet small">{{ side === 'mine' ? t().mine : t().current }}</span>
                <span class="value">{{ each[side] || t().none }}</span>
              </span>
            </label>
          }
          @if (missing() && !choices()[each.field]) {
            <p class="error small" role="alert">{{ t().choose }}</p>
          }
        </fieldset>
      }
    </mat-dialog-content>
    <mat-dialog-actions align="end">
      <button mat-button type="button" mat-dialog-close>{{ shared().cancel }}</button>
      <button mat-flat-button type="button" (click)="save()">{{ t().action }}</button>
    </mat-dialog-actions>
  `,
  styles: `
    fieldset {
      display: grid;
      grid-template-columns: repeat(auto-fit, minmax(min(100%, 14rem), 1fr));
      gap: 0.5rem;
      margin: 1rem 0 0;
      padding: 0;
      border: 0;
      min-inline-size: 0;
    }
    legend {
      margin-block-end: 0.375rem;
      padding: 0;
      color: var(--mat-sys-on-surface);
      font-weight: 500;
      font-size: 0.875rem;
    }
    label {
      padding: 0.625rem 0.75rem;
      border: 1px solid var(--line);
      border-radius: 0.5rem;
      color: var(--mat-sys-on-surface);
      cursor: pointer;
    }
    label.chosen {
      border-color: var(--mat-sys-primary);
      background: var(--mat-sys-secondary-container);
      color: var(--mat-sys-on-secondary-container);
    }
    .chosen .quiet {
      color: inherit;
    }
    label > span {
      display: grid;
      min-inline-size: 0;
      overflow-wrap: anywhere;
    }
    .value {
      font-weight: 500;
    }
    .error {
      grid-column: 1 / -1;
      color: var(--mat-sys-error);
    }
  `,
})
class ConflictDialog {
  protected readonly conflict = inject<Conflict>(MAT_DIALOG_DATA);
  private readonly dialog = inject<MatDialogRef<ConflictDialog, readonly string[]>>(MatDialogRef);
  private readonly host = inject<ElementRef<HTMLElement>>(ElementRef).nativeElement;
  protected readonly t = t;
  protected readonly shared = shared;
  protected readonly SIDES = SIDES;

  protected readonly choices = signal<Readonly<Record<string, Side | undefined>>>(
    Object.fromEntries(this.conflict.differences.map((each) => [each.field, likely(each)])),
  );
  protected readonly missing = signal(false);

  protected choose(field: string, side: Side): void {
    this.choices.update((before) => ({ ...before, [field]: side }));
  }

  protected save(): void {
    const fields = this.conflict.differences.map(({ field }) => field);
    const open = fields.find((field) => !this.choices()[field]);
    this.missing.set(open !== undefined);
    if (open) this.host.querySelector<HTMLElement>(`input[name=conflict-${open}]`)?.focus();
    else this.dialog.close(fields.filter((field) => this.choices()[field] === 'mine'));
  }
}

/**
 * Let a person choose between their values and those of another change. Return the fields whose values are theirs, or
 * undefined if they cancelled.
 */
export async function resolveConflict(
  dialogs: MatDialog,
  title: string,
  differences: readonly Difference[],
): Promise<readonly string[] | undefined> {
  const dialog = dialogs.open<ConflictDialog, Conflict, readonly string[]>(ConflictDialog, {
    data: { title, differences },
    width: '40rem',
    maxWidth: '94vw',
  });
  return firstValueFrom(dialog.afterClosed());
}
