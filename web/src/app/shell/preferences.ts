import { Component, inject } from '@angular/core';
import { MatMenuModule } from '@angular/material/menu';

import { Language, language, LANGUAGES } from '../kernel/language';
import { Session } from '../kernel/session';
import { paint, Theme, theme, THEMES } from '../kernel/theme';
import { Icon } from '../ui/icon';
import type { IconName } from '../ui/icons';
import { t } from './texts';

const SYMBOLS: Readonly<Record<Theme, IconName>> = {
  system: 'contrast',
  light: 'light_mode',
  dark: 'dark_mode',
};

/** The choice of language and theme. */
@Component({
  selector: 'app-preferences',
  imports: [Icon, MatMenuModule],
  template: `
    <button
      type="button"
      class="icon-button"
      [matMenuTriggerFor]="languages"
      [attr.aria-label]="t().language + ': ' + LANGUAGES[language()]"
    >
      <app-icon name="translate" />
    </button>
    <mat-menu #languages="matMenu">
      @for (each of codes; track each) {
        <button
          mat-menu-item
          role="menuitemradio"
          [attr.aria-checked]="language() === each"
          [attr.lang]="each"
          (click)="session.speak(each)"
        >
          {{ LANGUAGES[each] }}
        </button>
      }
    </mat-menu>
    <button
      type="button"
      class="icon-button"
      [matMenuTriggerFor]="themes"
      [attr.aria-label]="t().theme + ': ' + t().themes[theme()]"
    >
      <app-icon [name]="SYMBOLS[theme()]" />
    </button>
    <mat-menu #themes="matMenu">
      @for (each of THEMES; track each) {
        <button
          mat-menu-item
          role="menuitemradio"
          [attr.aria-checked]="theme() === each"
          (click)="paint(each)"
        >
          {{ t().themes[each] }}
        </button>
      }
    </mat-menu>
  `,
  styles: `
    :host {
      display: inline-flex;
      gap: 0.25rem;
    }
  `,
})
export class Preferences {
  protected readonly session = inject(Session);
  protected readonly t = t;
  protected readonly LANGUAGES = LANGUAGES;
  protected readonly SYMBOLS = SYMBOLS;
  protected readonly THEMES = THEMES;
  protected readonly codes = Object.keys(LANGUAGES) as Language[];
  protected readonly language = language;
  protected readonly theme = theme;
  protected readonly paint = paint;
}
