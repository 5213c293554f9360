import { afterNextRender, Component, inject, input, viewChild } from '@angular/core';
import { MatMenuModule, MatMenuTrigger } from '@angular/material/menu';

import { Language, language, LANGUAGES } from '../kernel/language';
import { Session } from '../kernel/session';
import { paint, theme, THEME_ICONS, THEMES } from '../kernel/theme';
import { Icon } from '../ui/icon';
import { t } from './texts';

/** The buttons of `Preferences` with their menus. */
@Component({
  selector: 'app-preference-menus',
  imports: [Icon, MatMenuModule],
  template: `
    <button
      type="button"
      class="icon-button"
      #forLanguage="matMenuTrigger"
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
      #forTheme="matMenuTrigger"
      [matMenuTriggerFor]="themes"
      [attr.aria-label]="t().theme + ': ' + t().themes[theme()]"
    >
      <app-icon [name]="THEME_ICONS[theme()]" />
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
      display: contents;
    }
  `,
})
export class PreferenceMenus {
  /** The menu that is opened at first. */
  readonly first = input.required<'language' | 'theme'>();

  protected readonly session = inject(Session);
  protected readonly t = t;
  protected readonly LANGUAGES = LANGUAGES;
  protected readonly THEME_ICONS = THEME_ICONS;
  protected readonly THEMES = THEMES;
  protected readonly codes = Object.keys(LANGUAGES) as Language[];
  protected readonly language = language;
  protected readonly theme = theme;
  protected readonly paint = paint;
  private readonly forLanguage = viewChild.required('forLanguage', { read: MatMenuTrigger });
  private readonly forTheme = viewChild.required('forTheme', { read: MatMenuTrigger });

  constructor() {
    afterNextRender(() => {
      (this.first() === 'language' ? this.forLanguage() : this.forTheme()).openMenu();
    });
  }
}
