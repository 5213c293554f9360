import { HttpErrorResponse } from '@angular/common/http';

import type { FieldError, ProblemDocument } from '../api/models';
import { explained } from './field-error';
import { Language, language, texts } from './language';

/** Why a request failed, in words for a person (RFC 9457). Code `OFFLINE`: the server gave no answer. */
export interface Problem {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly errors: readonly FieldError[];
  readonly traceId: string | null;
  /** Seconds after which to try again. */
  readonly retryAfter: number | null;
}

const t = texts({
  en: {
    offline: 'The server did not answer, so a change may be lost. Try again in a moment.',
    tooLarge: 'This is too large.',
    unexpected: 'Something went wrong. Try again.',
    wait: (seconds: number) => `Too many attempts. Try again in ${duration(seconds, 'en')}.`,
  },
  de: {
    offline:
      'Der Server hat nicht geantwortet. Eine Änderung ist möglicherweise verloren. Versuchen Sie es gleich noch einmal.',
    tooLarge: 'Das ist zu groß.',
    unexpected: 'Etwas ist schiefgegangen. Versuchen Sie es erneut.',
    wait: (seconds: number) => `Zu viele Versuche. Versuchen Sie es in ${duration(seconds, 'de')} erneut.`,
  },
});

type ByCode = Partial<Record<string, string>>;

// Problems in the application's words, by code. Those that only some pages cause are with the texts of these pages.
const TRANSLATED: Readonly<Record<Language, ByCode>> = {
  en: {
    // The server's texts are for developers: they name members and methods of requests.
    CURRENT_PASSWORD_REQUIRED: 'The current password is missing or wrong.',
    PRECONDITION_FAILED: 'The data was changed in the meantime.',
    IDEMPOTENCY_ANSWER_LOST: 'This was done before, but its answer is lost. Reload the page.',
    IDEMPOTENCY_IN_PROGRESS: 'This is being done already. Try again in a moment.',
    XSRF: 'This page is out of date. Reload it.',
  },
  de: {
    LOGIN_BAD_CREDENTIALS: 'E-Mail-Adresse oder Passwort ist falsch.',
    LOGIN_USER_NOT_VERIFIED: 'Die Adresse dieses Kontos ist noch nicht bestätigt.',
    CHANGE_PASSWORD_BAD_CREDENTIALS: 'Das aktuelle Passwort ist falsch.',
    FORBIDDEN: 'Dafür fehlt Ihnen die Berechtigung.',
    NOT_FOUND: 'Das gibt es nicht oder nicht mehr.',
    CURRENT_PASSWORD_REQUIRED: 'Das aktuelle Passwort fehlt oder ist falsch.',
    LAST_SUPERUSER:
      'Dies ist der letzte Superuser, der sich anmelden kann. Machen Sie zuerst ein anderes Konto zum Superuser.',
    UPDATE_USER_EMAIL_ALREADY_EXISTS: 'Ein anderes Konto hat diese Adresse bereits.',
    USER_ALREADY_EXISTS: 'Ein Konto mit dieser Adresse gibt es bereits.',
    USER_DISABLED: 'Das Konto ist deaktiviert. Aktivieren Sie es zuerst.',
    USER_LEAVING:
      'Das Konto ist zum Löschen vorgemerkt. Die Person kann das aufheben, indem sie sich anmeldet.',
    PRECONDITION_FAILED: 'Die Daten wurden inzwischen geändert.',
    VALIDATION_FAILED: 'Einige Eingaben sind ungültig.',
    UNAVAILABLE: 'Der Dienst ist gerade nicht verfügbar. Versuchen Sie es gleich noch einmal.',
    INTERNAL_ERROR: 'Auf dem Server ist ein Fehler aufgetreten.',
    PAYLOAD_TOO_LARGE: 'Das ist zu groß.',
    RATE_LIMITED: 'Zu viele Versuche. Versuchen Sie es später erneut.',
    REQUEST_TIMEOUT: 'Die Anfrage kam nicht rechtzeitig an. Versuchen Sie es erneut.',
    IDEMPOTENCY_ANSWER_LOST:
      'Das wurde schon ausgeführt, aber die Antwort ist verloren. Laden Sie die Seite neu.',
    IDEMPOTENCY_IN_PROGRESS: 'Das wird gerade schon ausgeführt. Versuchen Sie es gleich noch einmal.',
    IDEMPOTENCY_KEY_REUSED: 'Eine andere Anfrage hatte denselben Schlüssel. Versuchen Sie es erneut.',
    ORIGIN_NOT_ALLOWED: 'Der Server nimmt von dieser Adresse keine Änderungen an.',
    XSRF: 'Diese Seite ist veraltet. Laden Sie sie neu.',
    REGISTER_USER_ALREADY_EXISTS: 'Mit dieser Adresse gibt es schon ein Konto.',
    REGISTER_INVALID_PASSWORD:
      'Dieses Passwort ist zu leicht zu erraten. Nehmen Sie zum Beispiel mehrere Wörter.',
    RESET_PASSWORD_INVALID_PASSWORD:
      'Dieses Passwort ist zu leicht zu erraten. Nehmen Sie zum Beispiel mehrere Wörter.',
  },
};

/** Add what the problems of a feature say, by code. The texts of its pages call it when they are loaded. */
export function explainProblems(found: Readonly<Record<Language, Readonly<ByCode>>>): void {
  Object.assign(TRANSLATED.en, found.en);
  Object.assign(TRANSLATED.de, found.de);
}

// 0: no connection. The others, without a problem document, are of a proxy that reaches no server.
const UNANSWERED = [0, 502, 503, 504];

function duration(seconds: number, language: string): string {
  const [amount, unit] = seconds < 90 ? [seconds, 'second'] : [Math.ceil(seconds / 60), 'minute'];
  return new Intl.NumberFormat(language, { style: 'unit', unit, unitDisplay: 'long' }).format(amount);
}

function isDocument(body: unknown): body is ProblemDocument {
  return typeof body === 'object' && body !== null && 'code' in body && 'detail' in body;
}

// HttpClient leaves the body of an error as text where a success would have no body.
function parsed(body: unknown): unknown {
  if (typeof body !== 'string') return body;
  try {
    return JSON.parse(body) as unknown;
  } catch {
    return null; // not of our server: a proxy's page
  }
}

/** The problem behind an error, that of a request or any other. */
export function problemOf(error: unknown): Problem {
  if (!(error instanceof HttpErrorResponse)) {
    return {
      status: -1,
      code: 'UNEXPECTED',
      detail: t().unexpected,
      errors: [],
      traceId: null,
      retryAfter: null,
    };
  }
  const body = parsed(error.error);
  const seconds = Number(error.headers.get('Retry-After') ?? NaN);
  const retryAfter = Number.isFinite(seconds) ? seconds : null;
  if (!isDocument(body)) {
    const isUnanswered = UNANSWERED.includes(error.status);
    const detail = isUnanswered ? t().offline : error.status === 413 ? t().tooLarge : t().unexpected;
    const code = isUnanswered ? 'OFFLINE' : 'UNEXPECTED';
    return { status: error.status, code, detail, errors: [], traceId: null, retryAfter };
  }
  const detail =
    error.status === 429 && retryAfter !== null
      ? t().wait(retryAfter)
      : (TRANSLATED[language()][body.code] ?? body.detail);
  return {
    status: error.status,
    code: body.code,
    detail,
    errors: (body.errors ?? []).map(explained),
    traceId: body.trace_id,
    retryAfter,
  };
}
