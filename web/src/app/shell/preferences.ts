import { NgComponentOutlet } from '@angular/common';
import { Component, signal, Type } from '@angular/core';

import { language, LANGUAGES } from '../kernel/language';
import { theme, THEME_ICONS } from '../kernel/theme';
import { Icon } from '../ui/icon';
import type { PreferenceMenus } from './preference-menus';
import { t } from './texts';

/**
 * The choice of language and theme. The menus, with the overlays of Angular's CDK, are loaded when a pointer or the
 * focus comes near: a first visit would take longer with them.
 */
@Component({
  selector: 'app-preferences',
  imports: [Icon, NgComponentOutlet],
  template: `
    @if (menus(); as component) {
      <ng-container *ngComponentOutlet="component; inputs: { first: first() }" />
    } @else {
      <button
        type="button"
        class="icon-button"
        aria-haspopup="menu"
        aria-expanded="false"
        [attr.aria-label]="t().language + ': ' + LANGUAGES[language()]"
        (click)="open('language')"
      >
        <app-icon name="translate" />
      </button>
      <button
        type="button"
        class="icon-button"
        aria-haspopup="menu"
        aria-expanded="false"
        [attr.aria-label]="t().theme + ': ' + t().themes[theme()]"
        (click)="open('theme')"
      >
        <app-icon [name]="THEME_ICONS[theme()]" />
      </button>
    }
  `,
  styles: `
    :host {
      display: inline-flex;
      gap: 0.25rem;
    }
  `,
  host: { '(pointerenter)': 'fetchAhead()', '(focusin)': 'fetchAhead()' },
})
export class Preferences {
  protected readonly menus = signal<Type<PreferenceMenus> | null>(null);
  protected readonly first = signal<'language' | 'theme'>('language');
  protected readonly t = t;
  protected readonly LANGUAGES = LANGUAGES;
  protected readonly THEME_ICONS = THEME_ICONS;
  protected readonly language = language;
  protected readonly theme = theme;

  protected async open(first: 'language' | 'theme'): Promise<void> {
    this.first.set(first);
    this.menus.set((await import('./preference-menus')).PreferenceMenus);
  }

  protected fetchAhead(): void {
    import('./preference-menus').catch(() => undefined); // `open` says why
  }
}
