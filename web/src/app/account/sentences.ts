import type { Activity } from '../api/models';
import { texts } from '../kernel/language';
import { exactDay } from '../kernel/time';
import type { IconName } from '../ui/icons';

type Data = Activity['data'];

const t = texts({
  en: {
    started: 'Signed in',
    newDevice: 'Signed in on a new device',
    ended: {
      logout: 'Signed out',
      reuse: 'Session ended, because an old token of it was used again',
      revoked: 'Session ended',
      credentials: 'Session ended by a change of the password or the address',
      disabled: 'Session ended, because the account was disabled',
      limit: 'Oldest session ended, because there were too many',
      renewed: 'Session replaced by a new one',
      other: 'Session ended',
    },
    refused: (attempts: number, reason: string) =>
      `${attempts === 1 ? 'Failed sign-in' : `${String(attempts)} failed sign-ins`}: ${reason}`,
    reasons: {
      password: 'wrong password',
      disabled: 'the account is disabled',
      unverified: 'the address is not confirmed',
      throttled: 'too many attempts',
      other: 'refused',
    },
    unlocked: 'Sign-in unlocked again',
    registered: 'Account created',
    invited: 'Invited',
    imported: 'Account imported',
    verified: 'Address confirmed',
    claimed: 'Data from before the confirmation of the address removed',
    promoted: 'Made an administrator',
    disabled: 'Account disabled',
    updated: (fields: string) => (fields ? `Changed: ${fields}` : 'Account changed'),
    fields: {
      name: 'name',
      language: 'language',
      roles: 'roles',
      is_active: 'state of the account',
      is_superuser: 'administrator',
      is_verified: 'confirmation of the address',
    },
    password: {
      change: 'Password changed',
      reset: 'Password reset by a mailed link',
      invitation: 'Password chosen',
      admin: 'Password set by an administrator',
      other: 'Password changed',
    },
    emailRequested: 'New address requested',
    emailChanged: (from: string, to: string) =>
      from && to ? `Address changed from ${from} to ${to}` : 'Address changed',
    emailReverted: (to: string) =>
      to ? `Change of address taken back: ${to}` : 'Change of address taken back',
    sessionsRevoked: 'All sessions ended by an administrator',
    leaving: (day: string) => (day ? `Deletion of the account requested, for ${day}` : 'Deletion requested'),
    staying: 'Deletion of the account cancelled',
    repeated: 'A mail sent to you again by an administrator',
    notified: 'Message sent to you',
    noticeSettings: 'Notification settings changed',
    unsubscribed: 'E-mails stopped by the link in an e-mail',
    exportRequested: 'Copy of your data requested',
    expiring: 'Deletion announced, because the address is not confirmed',
    unknown: (type: string) => `Event: ${type}`,
  },
  de: {
    started: 'Angemeldet',
    newDevice: 'Auf einem neuen Gerät angemeldet',
    ended: {
      logout: 'Abgemeldet',
      reuse: 'Sitzung beendet, weil ein altes Token noch einmal benutzt wurde',
      revoked: 'Sitzung beendet',
      credentials: 'Sitzung durch eine Änderung von Passwort oder Adresse beendet',
      disabled: 'Sitzung beendet, weil das Konto gesperrt wurde',
      limit: 'Älteste Sitzung beendet, weil es zu viele waren',
      renewed: 'Sitzung durch eine neue ersetzt',
      other: 'Sitzung beendet',
    },
    refused: (attempts: number, reason: string) =>
      `${attempts === 1 ? 'Anmeldung fehlgeschlagen' : `${String(attempts)} Anmeldungen fehlgeschlagen`}: ${reason}`,
    reasons: {
      password: 'falsches Passwort',
      disabled: 'das Konto ist gesperrt',
      unverified: 'die Adresse ist nicht bestätigt',
      throttled: 'zu viele Versuche',
      other: 'abgelehnt',
    },
    unlocked: 'Anmeldung wieder freigegeben',
    registered: 'Konto angelegt',
    invited: 'Eingeladen',
    imported: 'Konto importiert',
    verified: 'Adresse bestätigt',
    claimed: 'Daten aus der Zeit vor der Bestätigung der Adresse entfernt',
    promoted: 'Zum Verwalter gemacht',
    disabled: 'Konto gesperrt',
    updated: (fields) => (fields ? `Geändert: ${fields}` : 'Konto geändert'),
    fields: {
      name: 'Name',
      language: 'Sprache',
      roles: 'Rollen',
      is_active: 'Zustand des Kontos',
      is_superuser: 'Verwalter',
      is_verified: 'Bestätigung der Adresse',
    },
    password: {
      change: 'Passwort geändert',
      reset: 'Passwort mit einem Link aus einer E-Mail zurückgesetzt',
      invitation: 'Passwort gewählt',
      admin: 'Passwort von einem Verwalter gesetzt',
      other: 'Passwort geändert',
    },
    emailRequested: 'Neue Adresse angefragt',
    emailChanged: (from, to) => (from && to ? `Adresse geändert von ${from} in ${to}` : 'Adresse geändert'),
    emailReverted: (to) =>
      to ? `Änderung der Adresse zurückgenommen: ${to}` : 'Änderung der Adresse zurückgenommen',
    sessionsRevoked: 'Alle Sitzungen von einem Verwalter beendet',
    leaving: (day) => (day ? `Löschung des Kontos zum ${day} verlangt` : 'Löschung des Kontos verlangt'),
    staying: 'Löschung des Kontos abgebrochen',
    repeated: 'Eine E-Mail von einem Verwalter erneut an Sie gesendet',
    notified: 'Nachricht an Sie gesendet',
    noticeSettings: 'Einstellungen für Benachrichtigungen geändert',
    unsubscribed: 'E-Mails mit dem Link aus einer E-Mail abbestellt',
    exportRequested: 'Kopie Ihrer Daten angefordert',
    expiring: 'Löschung angekündigt, weil die Adresse nicht bestätigt ist',
    unknown: (type) => `Ereignis: ${type}`,
  },
});

function text(data: Data, name: string): string {
  const value: unknown = data[name];
  return typeof value === 'string' ? value : '';
}

function choose(all: Readonly<Record<string, string>>, name: string): string {
  return all[name] ?? all['other'] ?? name;
}

function fields(data: Data): string {
  const changed: unknown = data['changed'];
  if (!Array.isArray(changed)) return '';
  const names: Readonly<Record<string, string>> = t().fields;
  return changed.map((each) => names[String(each)] ?? String(each)).join(', ');
}

const SENTENCES: Readonly<Record<string, (data: Data) => string>> = {
  'sessions.started': (data) => (data['new_device'] === true ? t().newDevice : t().started),
  'sessions.ended': (data) => choose(t().ended, text(data, 'reason')),
  'sessions.refused': (data) =>
    t().refused(Number(data['attempts'] ?? 1), choose(t().reasons, text(data, 'reason'))),
  'sessions.unlocked': () => t().unlocked,
  'users.registered': () => t().registered,
  'users.invited': () => t().invited,
  'users.imported': () => t().imported,
  'users.verified': () => t().verified,
  'users.claimed': () => t().claimed,
  'users.promoted': () => t().promoted,
  'users.updated': (data) => t().updated(fields(data)),
  'users.disabled': () => t().disabled,
  'users.password_changed': (data) => choose(t().password, text(data, 'how')),
  'users.email_change_requested': () => t().emailRequested,
  'users.email_changed': (data) => t().emailChanged(text(data, 'old_email'), text(data, 'email')),
  'users.email_change_reverted': (data) => t().emailReverted(text(data, 'email')),
  'users.sessions_revoked': () => t().sessionsRevoked,
  'users.deletion_requested': (data) =>
    t().leaving(text(data, 'delete_after') && exactDay(text(data, 'delete_after'))),
  'users.deletion_cancelled': () => t().staying,
  'mails.repeated': () => t().repeated,
  'notifications.requested': () => t().notified,
  'notifications.preferences_changed': (data) =>
    data['how'] === 'unsubscribe' ? t().unsubscribed : t().noticeSettings,
  'personal.export_requested': () => t().exportRequested,
  'users.expiring': () => t().expiring,
};

/** What an entry of the activity says, in the current language. */
export function sentence({ type, data }: Activity): string {
  return SENTENCES[type]?.(data) ?? t().unknown(type);
}

const ICONS: readonly (readonly [string, IconName])[] = [
  ['sessions.started', 'login'],
  ['sessions.refused', 'warning'],
  ['sessions.unlocked', 'lock'],
  ['sessions.', 'logout'],
  ['users.sessions_revoked', 'logout'],
  ['users.password', 'key'],
  ['users.email', 'mail'],
  ['users.verified', 'verified'],
  ['users.updated', 'edit'],
  ['users.deletion_requested', 'delete'],
  ['users.deletion_cancelled', 'undo'],
  ['users.promoted', 'shield_person'],
  ['users.', 'person'],
  ['mails.', 'mail'],
  ['notifications.', 'notifications'],
  ['personal.', 'download'],
];

export function symbol({ type }: Activity): IconName {
  return ICONS.find(([start]) => type.startsWith(start))?.[1] ?? 'history';
}

/** Whether an entry deserves a second look: a failed sign-in, or a sign-in on a new device. */
export function isNotable({ type, data }: Activity): boolean {
  return type === 'sessions.refused' || (type === 'sessions.started' && data['new_device'] === true);
}
