import type { HttpInterceptorFn } from '@angular/common/http';
import { computed, effect, Signal, signal } from '@angular/core';

import type { Language } from '../api/models';
import './storage';

export type { Language };
export const LANGUAGES: Readonly<Record<Language, string>> = { en: 'English', de: 'Deutsch' };

const KEY = 'language'; // in localStorage: the last language; in sessionStorage: a choice that the account has not got
const isLanguage = (text: string | null | undefined): text is Language =>
  !!text && Object.hasOwn(LANGUAGES, text);

function preferred(): Language {
  const stored = localStorage.getItem(KEY);
  if (isLanguage(stored)) return stored;
  return navigator.languages.map((each) => each.split('-')[0]).find(isLanguage) ?? 'en';
}

/** The language of the application. */
export const language = signal<Language>(preferred());

/** The browser's variety of the language, such as `en-GB`, for times and numbers. */
export const locale = computed(
  () => navigator.languages.find((each) => each.startsWith(language())) ?? language(),
);

/** Switch the language of the application, now and for later visits. */
export function speak(next: Language): void {
  sessionStorage.setItem(KEY, next);
  show(next);
}

function show(next: Language): void {
  localStorage.setItem(KEY, next);
  language.set(next);
}

/**
 * Switch to the language of an account. A choice that was made in this window and that the account has not got, such as
 * one of a guest, comes first: it is returned, to be stored in the account.
 */
export function adopt(stored: string): Language | null {
  const chosen = sessionStorage.getItem(KEY);
  if (isLanguage(chosen) && chosen !== stored) return chosen;
  sessionStorage.removeItem(KEY);
  if (isLanguage(stored) && stored !== language()) show(stored);
  return null;
}

/**
 * Texts in each language, as a signal of those in the current one. German must have each text of English, with the
 * same parameters: the compiler refuses a missing or a misspelt one, also in templates.
 */
export function texts<T>(all: { en: T; de: NoInfer<T> }): Signal<T> {
  return computed(() => all[language()]);
}

/** Keep the `lang` of the document that of the application. */
export function followLanguage(document: Document): void {
  effect(() => {
    document.documentElement.lang = language();
  });
}

/** Ask for responses, and for mails to a new account, in the language of the application. */
export const askInLanguage: HttpInterceptorFn = (request, next) =>
  next(request.clone({ setHeaders: { 'Accept-Language': language() } }));
