import { Component, computed, ElementRef, inject, signal } from '@angular/core';
import { MatButton } from '@angular/material/button';
import { MAT_DIALOG_DATA, MatDialogModule, MatDialogRef } from '@angular/material/dialog';

import { t as shared } from '../ui/texts';
import { t as texts } from './texts';
import { Field, FIELDS, same, take, Values } from './values';

export interface Conflict {
  /** The account when this administrator began to edit it. */
  readonly base: Values;
  readonly mine: Values;
  /** The account now, after another administrator's change. */
  readonly current: Values;
}

type Choice = 'mine' | 'current';

type Choices = Readonly<Partial<Record<Field, Choice>>>;

/** The choices that are clear: of fields that only one of the two changed. */
function likely(conflict: Conflict): Choices {
  const { base, mine, current } = conflict;
  const choices: Partial<Record<Field, Choice>> = {};
  for (const field of differing(conflict)) {
    if (same(mine[field], base[field])) choices[field] = 'current';
    else if (same(current[field], base[field])) choices[field] = 'mine';
  }
  return choices;
}

/** The fields of which an administrator has to choose a value. */
export function differing({ mine, current }: Conflict): Field[] {
  return FIELDS.filter((field) => !same(mine[field], current[field]));
}

/** Both values of each field that differs. A value that only one of the two changed is chosen from the start. */
@Component({
  selector: 'app-conflict',
  imports: [MatButton, MatDialogModule],
  template: `
    <h2 mat-dialog-title>{{ t().title }}</h2>
    <mat-dialog-content>
      <p>{{ t().text }}</p>
      @for (field of fields; track field) {
        <fieldset>
          <legend>{{ names()[field] }}</legend>
          @for (side of SIDES; track side) {
            <label class="check" [class.chosen]="choices()[field] === side">
              <input
                type="radio"
                [name]="'conflict-' + field"
                [value]="side"
                [checked]="choices()[field] === side"
                (change)="choose(field, side)"
              />
              <span>
                <span class="quiet small">{{ side === 'mine' ? t().mine : t().current }}</span>
                <span class="value">{{ show(conflict[side][field]) }}</span>
              </span>
            </label>
          }
          @if (missing() && !choices()[field]) {
            <p class="error small" role="alert">{{ t().choose }}</p>
          }
        </fieldset>
      }
    </mat-dialog-content>
    <mat-dialog-actions align="end">
      <button mat-button type="button" mat-dialog-close>{{ cancel().cancel }}</button>
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
export class ConflictDialog {
  protected readonly conflict = inject<Conflict>(MAT_DIALOG_DATA);
  private readonly dialog = inject<MatDialogRef<ConflictDialog, Values>>(MatDialogRef);
  private readonly host = inject<ElementRef<HTMLElement>>(ElementRef).nativeElement;
  protected readonly t = computed(() => texts().conflict);
  protected readonly names = computed(() => texts().fields);
  protected readonly cancel = shared;
  protected readonly SIDES: readonly Choice[] = ['mine', 'current'];

  protected readonly fields = differing(this.conflict);
  protected readonly choices = signal<Choices>(likely(this.conflict));
  protected readonly missing = signal(false);

  protected show(value: Values[Field]): string {
    if (typeof value === 'boolean') return value ? this.t().yes : this.t().no;
    return (typeof value === 'string' ? value : value.join(', ')) || this.t().none;
  }

  protected choose(field: Field, side: Choice): void {
    this.choices.update((before) => ({ ...before, [field]: side }));
  }

  protected save(): void {
    const open = this.fields.find((field) => !this.choices()[field]);
    this.missing.set(open !== undefined);
    if (open) {
      this.host.querySelector<HTMLElement>(`input[name=conflict-${open}]`)?.focus();
      return;
    }
    const { mine, current } = this.conflict;
    this.dialog.close(
      take(
        this.fields.filter((field) => this.choices()[field] === 'mine'),
        mine,
        current,
      ),
    );
  }
}
