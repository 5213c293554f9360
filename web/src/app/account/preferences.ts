import { Component, computed, inject, signal } from '@angular/core';
import { MatAutocompleteModule } from '@angular/material/autocomplete';
import { MatButton } from '@angular/material/button';

import { Language, language, LANGUAGES } from '../kernel/language';
import { Session } from '../kernel/session';
import { paint, theme, THEMES } from '../kernel/theme';
import { exactTime, now, setTimeZone, systemTimeZone, timeZone } from '../kernel/time';
import { Page } from '../ui/page';
import { t as texts } from './texts';
import { allZones, zoneOf } from './zones';

@Component({
  selector: 'app-account-preferences',
  imports: [MatAutocompleteModule, MatButton, Page],
  templateUrl: './preferences.html',
  styleUrls: ['./account.scss', './preferences.scss'],
})
export class PreferencesPage {
  protected readonly session = inject(Session);
  protected readonly t = computed(() => texts().preferences);

  protected readonly LANGUAGES = LANGUAGES;
  protected readonly THEMES = THEMES;
  protected readonly codes = Object.keys(LANGUAGES) as Language[];
  protected readonly language = language;
  protected readonly theme = theme;
  protected readonly paint = paint;

  protected readonly timeZone = timeZone;
  protected readonly systemTimeZone = systemTimeZone;
  protected readonly zone = computed(() => zoneOf(timeZone()));
  protected readonly system = computed(() => zoneOf(systemTimeZone));
  protected readonly example = computed(() => exactTime(new Date(now()).toISOString()));
  /** What is typed to find a zone; null shows the chosen one. */
  protected readonly words = signal<string | null>(null);
  private readonly zones = computed(allZones);
  protected readonly found = computed(() => {
    const words = (this.words() ?? '')
      .toLocaleLowerCase()
      .split(/[\s/]+/)
      .filter(Boolean);
    return this.zones().filter(({ name, text, offset }) => {
      const all = `${name} ${text} ${offset}`.toLocaleLowerCase();
      return words.every((word) => all.includes(word));
    });
  });

  protected type(event: Event): void {
    this.words.set((event.target as HTMLInputElement).value);
  }

  protected choose(name: string): void {
    setTimeZone(name);
    this.words.set(null);
  }

  protected readonly label = (name: string | null): string => (name ? zoneOf(name).text : '');
}
