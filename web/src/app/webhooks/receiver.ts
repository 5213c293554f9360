import { Component, computed, input, signal } from '@angular/core';

import { Code } from '../ui/code';
import { Chip } from '../ui/filters';
import { type ReceiverLanguage, RECEIVER_LANGUAGES, RECEIVERS } from './receivers';
import { t as texts } from './texts';

/** A program that receives deliveries, to copy. */
@Component({
  selector: 'app-receiver',
  imports: [Chip, Code],
  template: `
    <div class="row" role="group" [attr.aria-label]="t().language">
      @for (each of LANGUAGES; track each) {
        <button app-chip [pressed]="language() === each" (click)="language.set(each)">{{ each }}</button>
      }
    </div>
    <app-code [text]="code()" [label]="t().code(language())" />
  `,
  styles: `
    :host {
      display: grid;
      gap: 0.75rem;
      min-inline-size: 0;
      text-align: start;
    }
    app-code {
      border: 1px solid var(--line);
      border-radius: 0.5rem;
      overflow: hidden;
    }
  `,
})
export class Receiver {
  /** A secret to put in; without one, what it is. */
  readonly secret = input<string>();
  protected readonly t = computed(() => texts().secret);
  protected readonly LANGUAGES = RECEIVER_LANGUAGES;
  protected readonly language = signal<ReceiverLanguage>('Python');
  protected readonly code = computed(() =>
    RECEIVERS[this.language()](this.secret() ?? `<${this.t().place}>`),
  );
}
