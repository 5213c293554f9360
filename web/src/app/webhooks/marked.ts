import { Component, computed, input } from '@angular/core';

/** A description of the server, whose names stand between backticks. */
@Component({
  selector: 'app-marked',
  template: `
    @for (part of parts(); track $index) {
      @if ($odd) {
        <code>{{ part }}</code>
      } @else {
        <span>{{ part }}</span>
      }
    }
  `,
  host: { lang: 'en' },
})
export class Marked {
  readonly text = input.required<string>();
  protected readonly parts = computed(() => this.text().split('`'));
}
