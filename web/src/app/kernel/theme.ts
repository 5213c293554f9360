import { effect, signal } from '@angular/core';

import type { IconName } from '../ui/icons';
import './storage';

export const THEMES = ['system', 'light', 'dark'] as const;
export type Theme = (typeof THEMES)[number];
export const THEME_ICONS: Readonly<Record<Theme, IconName>> = {
  system: 'contrast',
  light: 'light_mode',
  dark: 'dark_mode',
};

const KEY = 'theme';
const stored = localStorage.getItem(KEY);

export const theme = signal<Theme>(THEMES.find((each) => each === stored) ?? 'system');

export function paint(next: Theme): void {
  localStorage.setItem(KEY, next);
  theme.set(next);
}

/** Mark the document with the theme; styles.scss sets `color-scheme` by it. */
export function followTheme(document: Document): void {
  effect(() => {
    document.documentElement.dataset['theme'] = theme();
  });
}
