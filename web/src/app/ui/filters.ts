import {
  booleanAttribute,
  Component,
  computed,
  DestroyRef,
  ElementRef,
  inject,
  input,
  linkedSignal,
  output,
  viewChild,
} from '@angular/core';

import { Icon } from './icon';

let count = 0;

/** The search, the filters and the order above a list. */
@Component({
  selector: 'app-filters',
  host: { role: 'search', '[attr.aria-label]': 'label()' },
  template: '<ng-content />',
  styles: `
    :host {
      display: flex;
      flex-wrap: wrap;
      align-items: flex-start;
      gap: 0.625rem;
      margin-block-end: 1rem;
    }
  `,
})
export class Filters {
  readonly label = input.required<string>();
}

/** A text to search for or to filter by, which the page keeps in its address. */
@Component({
  selector: 'app-search',
  imports: [Icon],
  template: `
    <div class="control">
      @if (!plain()) {
        <app-icon name="search" />
      }
      <input
        #field
        type="search"
        autocomplete="off"
        spellcheck="false"
        [class.plain]="plain()"
        [attr.maxlength]="limit()"
        [attr.list]="suggestions().length ? id + '-list' : null"
        [attr.aria-label]="label()"
        [attr.aria-invalid]="error() !== null"
        [attr.aria-describedby]="error() === null ? null : id + '-note'"
        [placeholder]="label()"
        [value]="words()"
        (input)="type(field.value)"
        (keydown.enter)="search(true)"
        (change)="search(false)"
      />
    </div>
    @if (suggestions().length) {
      <datalist [id]="id + '-list'">
        @for (each of suggestions(); track each) {
          <option [value]="each"></option>
        }
      </datalist>
    }
    @if (error(); as text) {
      <p [id]="id + '-note'" class="small" role="alert">{{ text }}</p>
    }
  `,
  styles: `
    :host {
      flex: 1 1 16rem;
    }
    :host(.narrow) {
      flex: 0 1 11rem;
      min-inline-size: 8rem;
    }
    .control {
      position: relative;
    }
    app-icon {
      position: absolute;
      inset-block: 0;
      inset-inline-start: 0.75rem;
      margin-block: auto;
      color: var(--quiet);
      pointer-events: none;
    }
    input:not(.plain) {
      padding-inline-start: 2.5rem;
    }
    p {
      margin-block-start: 0.25rem;
      color: var(--mat-sys-error);
    }
    @media (max-width: 40rem) {
      :host(.narrow) {
        flex: 1 1 8rem;
      }
    }
  `,
})
export class Search {
  readonly label = input.required<string>();
  /** The text in the address. */
  readonly value = input('');
  /** Why the text is refused. */
  readonly error = input<string | null>(null);
  readonly suggestions = input<readonly string[]>([]);
  /** Characters. */
  readonly limit = input<number>();
  /** Milliseconds between the last key and the search; without it, Enter or leaving the field searches. */
  readonly pause = input<number>();
  /** Without the symbol of a search. */
  readonly plain = input(false, { transform: booleanAttribute });
  /** The text without spaces around it, also an empty one. */
  readonly find = output<string>();

  protected readonly id = `search-${String(++count)}`;
  private readonly field = viewChild.required<ElementRef<HTMLInputElement>>('field');
  private timer: ReturnType<typeof setTimeout> | undefined;
  // What is typed while an earlier search gets into the address stays.
  protected readonly words = linkedSignal<string, string>({
    source: this.value,
    computation: (value, previous) => (this.timer && previous ? previous.value : value),
  });

  constructor() {
    inject(DestroyRef).onDestroy(() => clearTimeout(this.timer));
  }

  /** Empty the field, and put the focus there. */
  clear(): void {
    this.stop();
    this.words.set('');
    this.field().nativeElement.focus();
  }

  protected type(text: string): void {
    this.words.set(text);
    this.stop();
    const pause = this.pause();
    if (pause !== undefined) this.timer = setTimeout(() => this.search(true), pause);
  }

  /** @param soon Whether this is a search without the field being left. */
  protected search(soon: boolean): void {
    if (soon !== (this.pause() !== undefined)) return;
    this.stop();
    this.find.emit(this.words().trim());
  }

  private stop(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
  }
}

/** One of several values. A value in the address that is none of them is shown too. */
@Component({
  selector: 'app-choice',
  template: `
    <select #field [attr.aria-label]="label()" (change)="choose.emit(field.value)">
      @for (option of all(); track option[0]) {
        <option [value]="option[0]" [selected]="option[0] === value()">{{ option[1] }}</option>
      }
    </select>
  `,
  styles: `
    :host {
      flex: 0 1 13rem;
      min-inline-size: 8rem;
    }
    :host(.wide) {
      flex-basis: 16rem;
    }
    @media (max-width: 40rem) {
      :host {
        flex: 1 1 8rem;
      }
    }
  `,
})
export class Choice {
  readonly label = input.required<string>();
  /** Values and their names. */
  readonly options = input.required<readonly (readonly [string, string])[]>();
  readonly value = input('');
  readonly choose = output<string>();
  protected readonly all = computed(() => {
    const [value, options] = [this.value(), this.options()];
    return options.some(([each]) => each === value) ? options : [[value, value] as const, ...options];
  });
}

/** A filter that is on or off (`[pressed]`), or one that is taken away (`removes`). */
@Component({
  selector: 'button[app-chip]',
  imports: [Icon],
  host: { type: 'button', '[attr.aria-pressed]': 'pressed()', '[class.on]': 'removes() || pressed()' },
  template: `
    @if (pressed()) {
      <app-icon name="check" />
    }
    <ng-content />
    @if (removes()) {
      <app-icon name="close" />
    }
  `,
  styles: `
    :host {
      display: inline-flex;
      align-items: center;
      gap: 0.375rem;
      min-block-size: 2rem;
      max-inline-size: 100%;
      margin-block: 0.25rem; /* as high as a field */
      padding: 0.25rem 0.75rem;
      border: 1px solid var(--mat-sys-outline-variant);
      border-radius: 1rem;
      background: var(--raised);
      color: var(--mat-sys-on-surface-variant);
      font: inherit;
      font-size: 0.8125rem;
      font-weight: 500;
      overflow-wrap: anywhere;
      text-align: start;
      cursor: pointer;
    }
    :host(:hover) {
      background: var(--mat-sys-surface-container-high);
    }
    :host(.on) {
      border-color: transparent;
      background: var(--mat-sys-secondary-container);
      color: var(--mat-sys-on-secondary-container);
    }
    app-icon {
      inline-size: 1rem;
      block-size: 1rem;
    }
  `,
})
export class Chip {
  readonly pressed = input<boolean>();
  readonly removes = input(false, { transform: booleanAttribute });
}
