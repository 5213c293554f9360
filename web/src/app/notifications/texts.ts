import { explainFields } from '../kernel/field-error';
import { texts } from '../kernel/language';
import { explainProblems } from '../kernel/problem';
import { formatNumber } from '../kernel/time';

/** Texts of the bell and of the list. */
export const t = texts({
  en: {
    groups: { security: 'Security', account: 'Account', product: 'Product' },
    bell: (count: number) => (count ? `Notifications, ${formatNumber(count)} new` : 'Notifications'),
    news: (count: number) =>
      count === 1 ? 'One new notification.' : `${formatNumber(count)} new notifications.`,
    heading: 'Notifications',
    all: 'All notifications',
    settings: 'Notification settings',
    markAll: 'Mark all as read',
    unread: 'Unread',
    open: 'Open',
    none: 'No notifications yet',
    noneText: 'What concerns your account appears here.',
    list: {
      lead: 'Messages to your account, newest first.',
      settings: 'Settings',
      markShown: (count: number) =>
        count === 1 ? 'Mark one as read' : `Mark ${formatNumber(count)} as read`,
      filters: 'Filter notifications',
      kind: 'Kind',
      anyKind: 'All kinds',
      noneFiltered: 'No notification matches',
      noneUnread: 'No unread notifications',
      noneUnreadText: 'You have read all of them.',
      noneFilteredText: 'Change or clear the filters.',
      clear: 'Clear filters',
      more: 'Show all of it',
      less: 'Show less',
      read: (subject: string) => `Mark as read: ${subject}`,
      unread: (subject: string) => `Mark as unread: ${subject}`,
      delete: (subject: string) => `Delete: ${subject}`,
      asRead: 'Mark as read',
      asUnread: 'Mark as unread',
      remove: 'Delete',
      deleted: 'The notification is deleted.',
      confirm: {
        title: 'Delete this notification?',
        text: 'It cannot be restored.',
        action: 'Delete',
      },
    },
  },
  de: {
    groups: { security: 'Sicherheit', account: 'Konto', product: 'Produkt' },
    bell: (count: number) =>
      count ? `Benachrichtigungen, ${formatNumber(count)} neu` : 'Benachrichtigungen',
    news: (count: number) =>
      count === 1 ? 'Eine neue Benachrichtigung.' : `${formatNumber(count)} neue Benachrichtigungen.`,
    heading: 'Benachrichtigungen',
    all: 'Alle Benachrichtigungen',
    settings: 'Einstellungen für Benachrichtigungen',
    markAll: 'Alle gelesen',
    unread: 'Ungelesen',
    open: 'Öffnen',
    none: 'Noch keine Benachrichtigungen',
    noneText: 'Was Ihr Konto betrifft, erscheint hier.',
    list: {
      lead: 'Mitteilungen an Ihr Konto, neueste zuerst.',
      settings: 'Einstellungen',
      markShown: (count: number) =>
        count === 1 ? 'Eine als gelesen markieren' : `${formatNumber(count)} als gelesen markieren`,
      filters: 'Benachrichtigungen filtern',
      kind: 'Art',
      anyKind: 'Alle Arten',
      noneFiltered: 'Keine passende Benachrichtigung',
      noneUnread: 'Keine ungelesenen Benachrichtigungen',
      noneUnreadText: 'Sie haben alle gelesen.',
      noneFilteredText: 'Ändern oder entfernen Sie die Filter.',
      clear: 'Filter entfernen',
      more: 'Ganz anzeigen',
      less: 'Weniger anzeigen',
      read: (subject: string) => `Als gelesen markieren: ${subject}`,
      unread: (subject: string) => `Als ungelesen markieren: ${subject}`,
      delete: (subject: string) => `Löschen: ${subject}`,
      asRead: 'Als gelesen markieren',
      asUnread: 'Als ungelesen markieren',
      remove: 'Löschen',
      deleted: 'Die Benachrichtigung ist gelöscht.',
      confirm: {
        title: 'Diese Benachrichtigung löschen?',
        text: 'Sie kann nicht wiederhergestellt werden.',
        action: 'Löschen',
      },
    },
  },
});

explainProblems({
  en: {},
  de: {
    NOTIFICATION_KEY_REUSED:
      'Eine andere Benachrichtigung hatte denselben Schlüssel. Senden Sie sie noch einmal.',
    NOTIFICATION_SEND_DONE: 'Der Versand ist abgeschlossen und lässt sich nicht mehr abbrechen.',
    NOTIFICATION_SWITCH_LOCKED:
      'Benachrichtigungen über die Sicherheit des Kontos lassen sich nicht abschalten.',
    UNSUBSCRIBE_TOKEN_INVALID:
      'Der Link ist ungültig. Ändern Sie die Benachrichtigungen in den Einstellungen Ihres Kontos.',
  },
});

explainFields({
  de: {
    beginning: ({ choices }) => `Der Anfang muss eines von diesen sein: ${String(choices)}.`,
    audience: () => 'Wählen Sie einzelne Personen, eine Rolle oder alle.',
    inactive: () => 'Dieses Konto gibt es nicht, oder es ist nicht aktiv.',
    selection: () => 'Geben Sie entweder up_to oder ids an.',
    zone: () => 'Das ist keine Zeitzone wie Europe/Berlin.',
  },
});

/** The name of a group of kinds; those that an installation adds have none. */
export function groupName(group: string): string {
  const names: Readonly<Record<string, string>> = t().groups;
  return names[group] ?? group.charAt(0).toLocaleUpperCase() + group.slice(1).replaceAll('_', ' ');
}

/** The group of a kind, such as `product` of `product.order`. */
export const groupOf = (kind: string): string => kind.split('.', 1)[0] ?? kind;
