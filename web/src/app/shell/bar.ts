import { NgComponentOutlet } from '@angular/common';
import { afterNextRender, Component, DestroyRef, inject, signal, Type } from '@angular/core';

import { FEATURES } from '../app.features';

const LOADERS = FEATURES.flatMap(({ bar }) => bar ?? []);

/** What features show in the bar, loaded after the first page is shown. Each has the size of a button. */
@Component({
  selector: 'app-bar',
  imports: [NgComponentOutlet],
  template: `
    @for (each of components(); track $index) {
      <span>
        @if (each) {
          <ng-container *ngComponentOutlet="each" />
        }
      </span>
    }
  `,
  styles: `
    :host {
      display: contents;
    }
    span {
      inline-size: 2.25rem;
      block-size: 2.25rem;
      flex: none;
    }
  `,
})
export class Bar {
  protected readonly components = signal<readonly (Type<unknown> | null)[]>(LOADERS.map(() => null));

  constructor() {
    let isGone = false;
    inject(DestroyRef).onDestroy(() => (isGone = true));
    const load = async (place: number, loader: (typeof LOADERS)[number]) => {
      const found = await loader();
      if (!isGone)
        this.components.update((all) => all.map((each, index) => (index === place ? found : each)));
    };
    afterNextRender(() => {
      // Without a connection the page can be used without them.
      LOADERS.forEach((loader, place) => void load(place, loader).catch(() => undefined));
    });
  }
}
