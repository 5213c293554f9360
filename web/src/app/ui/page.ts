import {
  afterNextRender,
  Component,
  DestroyRef,
  effect,
  ElementRef,
  inject,
  input,
  viewChild,
} from '@angular/core';
import { Title } from '@angular/platform-browser';
import { Router } from '@angular/router';

import { keepFocus } from './focus';

/**
 * The head of a page: its title, in the window's title too, and its actions (`<button actions>`). After a navigation
 * the title gets the focus, so that a screen reader reads it and the next tab stop is the page's first. The focus does
 * not get lost when its element is removed.
 */
@Component({
  selector: 'app-page',
  template: `
    <header>
      <div>
        <h1 #title tabindex="-1">{{ heading() }}</h1>
        @if (lead()) {
          <p class="lead">{{ lead() }}</p>
        }
      </div>
      <div class="actions"><ng-content select="[actions]" /></div>
    </header>
    <ng-content />
  `,
  styles: `
    header {
      display: flex;
      flex-wrap: wrap;
      align-items: flex-start;
      justify-content: space-between;
      gap: 0.75rem 1.5rem;
      margin-block-end: 1.5rem;
    }
    h1 {
      overflow-wrap: anywhere;
    }
    .lead {
      margin-block: 0.25rem 0;
      max-inline-size: 62ch;
      overflow-wrap: anywhere;
      color: var(--quiet);
    }
    .actions {
      display: flex;
      flex-wrap: wrap;
      gap: 0.5rem;
    }
    .actions:empty {
      display: none;
    }
  `,
})
export class Page {
  readonly heading = input.required<string>();
  readonly lead = input<string>();
  private readonly element = viewChild.required<ElementRef<HTMLElement>>('title');

  constructor() {
    const title = inject(Title);
    const router = inject(Router);
    const host = inject<ElementRef<HTMLElement>>(ElementRef).nativeElement;
    let alive = true;
    let forget: () => void = () => undefined;
    inject(DestroyRef).onDestroy(() => {
      alive = false;
      forget();
    });
    effect(() => title.setTitle(`${this.heading()} · REST Angular`));
    const first = router.lastSuccessfulNavigation() === null;
    afterNextRender(() => {
      if (!alive) return;
      const heading = this.element().nativeElement;
      if (!first) heading.focus({ preventScroll: true });
      forget = keepFocus(host, heading);
    });
  }
}
