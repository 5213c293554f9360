import { Component, computed, input, signal } from '@angular/core';
import { type FieldTree, FormField } from '@angular/forms/signals';
import { MatAutocompleteModule } from '@angular/material/autocomplete';

import { AppField } from '../ui/field';
import { matching, readTemplates } from './templates';
import { t as texts } from './texts';

/** A field for the path of a rate limit, which suggests the paths of the API. */
@Component({
  selector: 'app-path-field',
  imports: [AppField, FormField, MatAutocompleteModule],
  template: `
    <app-field [label]="t().path" [hint]="hint()">
      <input
        type="text"
        class="code"
        autocomplete="off"
        autocapitalize="off"
        spellcheck="false"
        [formField]="field()"
        [matAutocomplete]="auto"
        (focus)="wanted.set(true)"
      />
    </app-field>
    <mat-autocomplete #auto="matAutocomplete">
      @for (each of found(); track each) {
        <mat-option [value]="each">
          <code>{{ each }}</code>
          @if (each === '*') {
            <span class="quiet small">{{ t().everyPath }}</span>
          }
        </mat-option>
      }
    </mat-autocomplete>
  `,
  styles: `
    .code {
      font-family: var(--mono);
      font-size: 0.875rem;
    }
  `,
})
export class PathField {
  readonly field = input.required<FieldTree<string>>();
  readonly hint = input.required<string>();
  protected readonly t = computed(() => texts().rule);
  protected readonly wanted = signal(false);
  private readonly templates = readTemplates(this.wanted);
  protected readonly found = computed(() => matching(this.templates(), this.field()().value()));
}
