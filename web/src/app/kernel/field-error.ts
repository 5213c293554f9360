import type { FieldError } from '../api/models';
import { language } from './language';

type Params = NonNullable<FieldError['params']>;
const given = (value: unknown) => String(value);

type ByCode = Partial<Record<string, (params: Params) => string>>;

// The server's own sentences are English. Codes that only some pages cause are with the texts of these pages.
const GERMAN: ByCode = {
  required: () => 'Dieses Feld ist erforderlich.',
  blank: () => 'Dieses Feld darf nicht nur Leerzeichen enthalten.',
  invalid: () => 'Diese Angabe ist ungültig.',
  unknown: () => 'Dieses Feld gibt es nicht.',
  repeated: () => 'Dieses Feld ist mehrfach angegeben.',
  kind: () => 'Diese Angabe hat die falsche Art.',
  form: () => 'Diese Angabe hat nicht die richtige Form.',
  choice: ({ choices }) => `Möglich sind: ${given(choices)}.`,
  differs: () => 'Diese Angabe weicht von der in der Adresse ab.',
  not_allowed: () => 'Dieser Wert ist hier nicht möglich.',
  time_zone: () => 'Die Zeitzone fehlt, zum Beispiel 2026-01-31T12:00:00Z.',
  characters: () => 'Ein Zeichen kann nicht gespeichert werden.',
  out_of_range: () => 'Diese Zahl ist zu groß oder zu klein.',
  cursor: () => 'Diese Liste hat sich geändert. Laden Sie sie neu.',
  invisible: ({ character }) =>
    `Das unsichtbare Zeichen ${given(character)} ist an dieser Stelle nicht möglich.`,
  marks: ({ max }) => `Ein Buchstabe darf höchstens ${given(max)} Zusatzzeichen haben.`,
  too_short: ({ min }) => `Geben Sie mindestens ${given(min)} Zeichen ein.`,
  too_long: ({ max }) => `Geben Sie höchstens ${given(max)} Zeichen ein.`,
  too_few: ({ min }) => `Mindestens ${given(min)} Einträge sind nötig.`,
  too_many: ({ max }) => `Höchstens ${given(max)} Einträge sind möglich.`,
  too_small: ({ min }) => `Der kleinste Wert ist ${given(min)}.`,
  too_large: ({ max }) => `Der größte Wert ist ${given(max)}.`,
  length: ({ length }) => `Die Länge muss genau ${given(length)} sein.`,
  multiple: ({ of }) => `Der Wert muss ein Vielfaches von ${given(of)} sein.`,
};

/** Add what codes of a feature say in German. The texts of its pages call it when they are loaded. */
export function explainFields(found: { readonly de: Readonly<ByCode> }): void {
  Object.assign(GERMAN, found.de);
}

/** The reason of an invalid field in the language of the application, or else as the server says it. */
export function explained(error: FieldError): FieldError {
  const words = language() === 'de' ? GERMAN[error.code] : undefined;
  return words ? { ...error, detail: words(error.params ?? {}) } : error;
}
