import { Signal, Type } from '@angular/core';
import { Route } from '@angular/router';

import type { IconName } from '../ui/icons';

/** Sections of the navigation, in the order in which they appear. */
export const SECTIONS = ['account', 'administration', 'operations'] as const;
export type Section = (typeof SECTIONS)[number];

/** An entry of the navigation and of the command palette. */
export interface Entry {
  readonly path: string;
  readonly text: Signal<string>;
  readonly icon: IconName;
  readonly section: Section;
}

/** The pages of a noun. `app.features.ts` lists the features; nothing else knows them. */
export interface Feature {
  /** Pages without navigation: for guests, and behind links in mails. */
  readonly guest?: readonly Route[];
  /** Pages of a person who is signed in. */
  readonly account?: readonly Route[];
  /** Pages of superusers. */
  readonly administration?: readonly Route[];
  readonly navigation?: readonly Entry[];
  /** A component of the bar above the pages of a person who is signed in. It is loaded when the page is shown. */
  readonly bar?: () => Promise<Type<unknown>>;
}
