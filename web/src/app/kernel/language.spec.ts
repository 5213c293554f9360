import { adopt, language, speak } from './language';

beforeEach(() => {
  speak('en');
  sessionStorage.clear();
});

it('follows the account', () => {
  expect(adopt('de')).toBeNull();
  expect(language()).toBe('de');
  expect(localStorage.getItem('language')).toBe('de');
});

it('keeps a choice of this window until the account has it', () => {
  speak('de');
  expect(adopt('en')).toBe('de');
  expect(language()).toBe('de');
  expect(adopt('de')).toBeNull();
  expect(adopt('en')).toBeNull(); // changed on another device since
  expect(language()).toBe('en');
});

it('ignores a language that the application has not', () => {
  expect(adopt('fr')).toBeNull();
  expect(language()).toBe('en');
});
