import { Component } from '@angular/core';
import { RouterLink, RouterOutlet } from '@angular/router';

import { Preferences } from './preferences';

/** The frame of pages for guests: the mark, one card, and the choice of language and theme. */
@Component({
  selector: 'app-plain',
  imports: [Preferences, RouterLink, RouterOutlet],
  template: `
    <header>
      <a routerLink="/" class="mark"><img src="/mark.svg" alt="" width="28" height="28" />REST Angular</a>
      <app-preferences />
    </header>
    <main><router-outlet /></main>
  `,
  styles: `
    :host {
      display: grid;
      grid-template-rows: auto 1fr;
      min-block-size: 100dvh;
      background: radial-gradient(
        60rem 30rem at 50% -10rem,
        var(--mat-sys-primary-container),
        transparent 70%
      );
    }
    header {
      display: flex;
      align-items: center;
      justify-content: space-between;
      padding: 1rem clamp(1rem, 4vw, 2rem);
    }
    .mark {
      display: inline-flex;
      align-items: center;
      gap: 0.625rem;
      color: inherit;
      font-weight: 600;
      text-decoration: none;
    }
    main {
      display: grid;
      align-content: start;
      inline-size: min(100%, 27rem);
      margin-inline: auto;
      padding: clamp(1rem, 8vh, 6rem) 1rem 3rem;
    }
  `,
})
export class Plain {}
