import type { User } from '../api/models';

// An emoji or a letter with its accents is several UTF-16 units.
const characters = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

/** The first character of a person's name or address, in place of a picture. */
export function initialOf({ name, email }: Pick<User, 'name' | 'email'>): string {
  const [first] = characters.segment(name ?? email);
  return first?.segment.toLocaleUpperCase() ?? '';
}
