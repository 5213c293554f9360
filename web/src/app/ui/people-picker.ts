import { Component, input, model, output, signal, viewChild } from '@angular/core';
import type { FormValueControl, ValidationError } from '@angular/forms/signals';

import { texts } from '../kernel/language';
import { firstError } from '../kernel/submit';
import { Icon } from './icon';
import { type Choice, PersonPicker } from './person-picker';

const t = texts({
  en: {
    chosen: 'Chosen people',
    remove: (email: string) => `Remove ${email}`,
    added: (email: string) => `${email} added.`,
    removed: (email: string) => `${email} removed.`,
  },
  de: {
    chosen: 'Ausgewählte Personen',
    remove: (email: string) => `${email} entfernen`,
    added: (email: string) => `${email} hinzugefügt.`,
    removed: (email: string) => `${email} entfernt.`,
  },
});

/** A field of several accounts: each one that is found joins the others. */
@Component({
  selector: 'app-people-picker',
  imports: [Icon, PersonPicker],
  template: `
    <app-person-picker
      [value]="picked()"
      [errors]="shownErrors()"
      [touched]="touched()"
      (valueChange)="pick($event)"
      (touch)="touch.emit()"
    />
    @if (value().length) {
      <ul [attr.aria-label]="t().chosen">
        @for (person of value(); track person.id) {
          <li class="badge" [class.bad]="faults()[$index]">
            <span>{{ person.email }}</span>
            @if (faults()[$index]; as fault) {
              <span class="visually-hidden">{{ fault }}</span>
            }
            <button
              type="button"
              [attr.aria-label]="t().remove(person.email)"
              [disabled]="disabled()"
              (click)="remove(person)"
            >
              <app-icon name="close" />
            </button>
          </li>
        }
      </ul>
    }
    <span class="visually-hidden" aria-live="polite">{{ said() }}</span>
  `,
  styles: `
    :host {
      display: block;
      min-inline-size: 0;
    }
    ul {
      display: flex;
      flex-wrap: wrap;
      gap: 0.375rem;
      margin: 0.625rem 0 0;
      padding: 0;
      list-style: none;
    }
    .badge {
      min-inline-size: 0;
      max-inline-size: 100%;
      padding-inline-end: 0;
      border-radius: 0.5rem;
    }
    .badge > span:first-child {
      overflow: hidden;
      text-overflow: ellipsis;
    }
    button {
      display: inline-grid;
      place-items: center;
      flex: none;
      inline-size: 1.5rem;
      block-size: 1.5rem;
      padding: 0;
      border: 0;
      border-radius: 0.375rem;
      background: none;
      color: inherit;
      cursor: pointer;
    }
    button app-icon {
      inline-size: 0.875rem;
      block-size: 0.875rem;
    }
  `,
})
export class PeoplePicker implements FormValueControl<readonly Choice[]> {
  readonly value = model<readonly Choice[]>([]);
  readonly errors = input<readonly ValidationError.WithOptionalFieldTree[]>([]);
  readonly touched = input(false);
  readonly disabled = input(false);
  readonly touch = output();
  /** What is wrong with single accounts, by their places. */
  readonly faults = input<Readonly<Record<number, string>>>({});

  protected readonly t = t;
  protected readonly picked = signal<Choice | null>(null);
  protected readonly said = signal('');
  private readonly picker = viewChild.required(PersonPicker);

  focus(): void {
    this.picker().focus();
  }

  protected shownErrors(): readonly ValidationError.WithOptionalFieldTree[] {
    const error = firstError(this.errors());
    if (error) return [error];
    const [fault] = Object.values(this.faults());
    return fault === undefined ? [] : [{ kind: 'fault', message: fault }];
  }

  protected pick(choice: Choice | null): void {
    this.picked.set(choice);
    if (!choice) return;
    this.value.update((before) => [...before.filter(({ id }) => id !== choice.id), choice]);
    this.said.set(t().added(choice.email));
    // The field is emptied after it has shown the choice.
    setTimeout(() => {
      this.picker().clear();
      this.picked.set(null);
    });
  }

  protected remove({ id, email }: Choice): void {
    this.value.update((before) => before.filter((each) => each.id !== id));
    this.said.set(t().removed(email));
    this.focus();
  }
}
