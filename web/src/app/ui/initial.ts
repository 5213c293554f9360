import type { User } from '../api/models';

/** The first letter of a person's name, as people count letters: an emoji may consist of several characters. */
export function initialOf({ name, email }: Pick<User, 'name' | 'email'>): string {
  const [first] = new Intl.Segmenter().segment(name ?? email);
  return first?.segment.toLocaleUpperCase() ?? '';
}
