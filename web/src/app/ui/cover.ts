import { Component } from '@angular/core';

/**
 * The link or button of a row that covers all of it: `<a app-cover [routerLink]="…">`, in `.rows > li` or in a table.
 * Other controls of the row have the class `above`.
 */
@Component({
  selector: 'a[app-cover], button[app-cover]',
  template: '<ng-content />',
  styles: `
    :host {
      padding: 0;
      border: 0;
      background: none;
      color: inherit;
      font: inherit;
      font-weight: 500;
      text-align: start;
      text-decoration: none;
      cursor: pointer;
    }
    :host::after {
      content: '';
      position: absolute;
      inset: 0;
    }
    :host(:hover) {
      text-decoration: underline;
    }
    :host(:focus-visible) {
      outline: none;
    }
    :host(:focus-visible)::after {
      outline: 2px solid var(--mat-sys-primary);
      outline-offset: -2px;
    }
  `,
})
export class Cover {}
