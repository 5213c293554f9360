import { Component, computed, input } from '@angular/core';

import { Code } from './code';

/** A value as formatted JSON, with a button that copies it. */
@Component({
  selector: 'app-json',
  imports: [Code],
  template: '<app-code [text]="text()" [label]="label()" />',
  styles: ':host { display: block; }',
})
export class Json {
  readonly value = input.required<unknown>();
  readonly label = input.required<string>();
  protected readonly text = computed(() => JSON.stringify(this.value(), null, 2));
}
