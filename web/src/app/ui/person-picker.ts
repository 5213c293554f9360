import { httpResource } from '@angular/common/http';
import {
  Component,
  computed,
  ElementRef,
  input,
  linkedSignal,
  model,
  output,
  signal,
  viewChild,
} from '@angular/core';
import type { FormValueControl, ValidationError } from '@angular/forms/signals';
import { MatAutocompleteModule } from '@angular/material/autocomplete';

import { listUsers } from '../api/fn/users/list-users';
import type { User } from '../api/models';
import { texts } from '../kernel/language';

export const pickerTexts = texts({
  en: {
    label: 'Person',
    placeholder: 'Search by name or address',
    hint: 'Type a part of the name or address, then choose the person.',
    required: 'Choose a person from the list.',
    nobody: 'No person found',
  },
  de: {
    label: 'Person',
    placeholder: 'Name oder Adresse suchen',
    hint: 'Geben Sie einen Teil des Namens oder der Adresse ein, und wählen Sie die Person aus.',
    required: 'Wählen Sie eine Person aus der Liste.',
    nobody: 'Keine Person gefunden',
  },
});

export type Choice = Pick<User, 'id' | 'email'>;

const PAUSE = 250; // ms between the last key and the search
let count = 0;

/** A field that finds an account by the name or the address of a person. */
@Component({
  selector: 'app-person-picker',
  imports: [MatAutocompleteModule],
  template: `
    <label [attr.for]="id">{{ t().label }}</label>
    <input
      #field
      type="text"
      autocomplete="off"
      spellcheck="false"
      maxlength="100"
      [id]="id"
      [placeholder]="t().placeholder"
      [attr.aria-invalid]="error() !== null"
      [attr.aria-describedby]="id + '-note'"
      [matAutocomplete]="auto"
      [value]="shown()"
      (input)="type(field.value)"
      (blur)="touch.emit()"
    />
    <mat-autocomplete
      #auto="matAutocomplete"
      [displayWith]="label"
      (optionSelected)="choose($event.option.value)"
    >
      @for (user of found(); track user.id) {
        <mat-option [value]="user">
          {{ user.email }}
          @if (user.name) {
            <span class="quiet small">{{ user.name }}</span>
          }
        </mat-option>
      } @empty {
        @if (words() && !users.isLoading()) {
          <mat-option disabled>{{ t().nobody }}</mat-option>
        }
      }
    </mat-autocomplete>
    <p [id]="id + '-note'" [class]="error() ? 'error' : 'hint'">{{ error() ?? t().hint }}</p>
  `,
  styleUrl: './field.scss',
})
export class PersonPicker implements FormValueControl<Choice | null> {
  readonly value = model<Choice | null>(null);
  readonly errors = input<readonly ValidationError.WithOptionalFieldTree[]>([]);
  readonly touched = input(false);
  readonly touch = output();

  protected readonly id = `person-${String(++count)}`;
  protected readonly t = pickerTexts;
  protected readonly error = computed(() => (this.touched() ? (this.errors()[0]?.message ?? null) : null));
  private timer: ReturnType<typeof setTimeout> | undefined;
  private readonly typed = signal('');
  protected readonly shown = linkedSignal(() => this.value()?.email ?? this.typed());
  /** What is searched for. */
  protected readonly words = signal('');
  protected readonly users = httpResource<{ items: User[] }>(() =>
    this.words() ? { url: `/api${listUsers.PATH}`, params: { q: this.words(), limit: 8 } } : undefined,
  );
  protected readonly found = computed(() => (this.users.hasValue() ? this.users.value().items : []));
  private readonly field = viewChild.required<ElementRef<HTMLInputElement>>('field');

  focus(): void {
    this.field().nativeElement.focus();
  }

  /** Empty the field for another search. */
  clear(): void {
    this.value.set(null);
    this.typed.set('');
    this.words.set('');
    this.field().nativeElement.value = '';
  }

  protected readonly label = (user: Choice | null): string => user?.email ?? '';

  protected type(text: string): void {
    this.typed.set(text);
    this.value.set(null);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.words.set(text.trim()), PAUSE);
  }

  protected choose(user: User): void {
    clearTimeout(this.timer);
    this.value.set({ id: user.id, email: user.email });
  }
}
