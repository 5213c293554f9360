import { texts } from '../kernel/language';
import { formatNumber } from '../kernel/time';

const people = (count: number) => (count === 1 ? 'one person' : `${formatNumber(count)} people`);
const personen = (count: number) => (count === 1 ? 'eine Person' : `${formatNumber(count)} Personen`);

/** Texts of the pages that send notifications. */
export const t = texts({
  en: {
    heading: 'Send notifications',
    create: 'New notification',
    states: { running: 'Sending', done: 'Sent', cancelled: 'Cancelled' },
    list: {
      lead: 'What was sent in the last 30 days, newest first.',
      rows: 'Sends',
      none: 'Nothing sent yet',
      noneText: 'Notify chosen people, a role or everyone, in their list and by mail.',
      untitled: 'To chosen people',
      audiences: {
        accounts: 'Chosen people',
        role: (role: string) => `Role ${role}`,
        everyone: 'Everyone',
      },
      count: (notified: number, total: number) =>
        notified === total ? people(total) : `${formatNumber(notified)} of ${people(total)}`,
      progress: (title: string) => `Progress of “${title}”`,
      ended: (title: string) => `“${title}” is sent.`,
      cancel: 'Cancel',
      cancelOf: (title: string) => `Cancel “${title}”`,
      confirm: (title: string, left: number) => ({
        title: `Cancel “${title}”?`,
        text: `About ${people(left)} would not be notified. Those who are notified already stay so.`,
        action: 'Cancel the send',
      }),
      cancelled: 'The send is cancelled.',
    },
    form: {
      back: 'Send notifications',
      lead: 'It appears in the list of each account, and is mailed to those that want mails.',
      to: 'To',
      audiences: {
        accounts: ['Chosen people', 'Up to 1,000'],
        role: ['A role', 'All active accounts that have it'],
        everyone: ['Everyone', 'All active accounts'],
      },
      role: 'Role',
      roleEmpty: (role: string) => `No active account has the role ${role}.`,
      everyoneEmpty: 'There is no active account.',
      tooMany: 'Choose at most 1,000 people.',
      nobody: 'Choose at least one person.',
      kind: 'Kind',
      kindHint: (groups: string) =>
        `Group and name, such as product.release. People switch off whole groups. Groups: ${groups}.`,
      subject: 'Subject',
      subjectLong: 'Use at most 150 characters.',
      text: 'Text',
      textHint: 'Plain text; line breaks are kept.',
      textLong: 'Use at most 10,000 characters.',
      link: 'Link',
      linkHint: 'A page of this application, such as /account/plan.',
      linkForm: 'Begin with one slash, such as /account/plan.',
      send: 'Send…',
      cancel: 'Cancel',
      confirm: {
        title: (count: number) => `Notify ${people(count)}?`,
        text: (subject: string, to: string) => `“${subject}” goes to ${to}. This cannot be taken back.`,
        role: (role: string) => `all with the role ${role}`,
        everyone: 'everyone',
        some: (names: string, more: number) => (more ? `${names} and ${people(more)} more` : names),
        action: 'Send now',
      },
      sent: (count: number) => `Sent to ${people(count)}.`,
      sending: (count: number) => `It is being sent to ${people(count)}.`,
      unknown: 'It may have been sent. Send it again without a change: it is sent once.',
      preview: 'Preview',
      previewText:
        'Your text is the same for everyone. The words around it have the language of each account.',
    },
  },
  de: {
    heading: 'Benachrichtigungen senden',
    create: 'Neue Benachrichtigung',
    states: { running: 'Wird gesendet', done: 'Gesendet', cancelled: 'Abgebrochen' },
    list: {
      lead: 'Was in den letzten 30 Tagen gesendet wurde, Neuestes zuerst.',
      rows: 'Gesendete Benachrichtigungen',
      none: 'Noch nichts gesendet',
      noneText: 'Benachrichtigen Sie einzelne Personen, eine Rolle oder alle, in ihrer Liste und per E-Mail.',
      untitled: 'An ausgewählte Personen',
      audiences: {
        accounts: 'Ausgewählte Personen',
        role: (role: string) => `Rolle ${role}`,
        everyone: 'Alle',
      },
      count: (notified: number, total: number) =>
        notified === total
          ? personen(total)
          : `${formatNumber(notified)} von ${formatNumber(total)} Personen`,
      progress: (title: string) => `Fortschritt von „${title}“`,
      ended: (title: string) => `„${title}“ ist gesendet.`,
      cancel: 'Abbrechen',
      cancelOf: (title: string) => `„${title}“ abbrechen`,
      confirm: (title: string, left: number) => ({
        title: `„${title}“ abbrechen?`,
        text: `Etwa ${left === 1 ? 'eine Person würde' : `${formatNumber(left)} Personen würden`} nicht benachrichtigt. Wer schon benachrichtigt ist, bleibt es.`,
        action: 'Versand abbrechen',
      }),
      cancelled: 'Der Versand ist abgebrochen.',
    },
    form: {
      back: 'Benachrichtigungen senden',
      lead: 'Sie erscheint in der Liste jedes Kontos und geht per E-Mail an alle, die E-Mails wünschen.',
      to: 'An',
      audiences: {
        accounts: ['Ausgewählte Personen', 'Bis zu 1.000'],
        role: ['Eine Rolle', 'Alle aktiven Konten mit dieser Rolle'],
        everyone: ['Alle', 'Alle aktiven Konten'],
      },
      role: 'Rolle',
      roleEmpty: (role: string) => `Kein aktives Konto hat die Rolle ${role}.`,
      everyoneEmpty: 'Es gibt kein aktives Konto.',
      tooMany: 'Wählen Sie höchstens 1.000 Personen.',
      nobody: 'Wählen Sie mindestens eine Person.',
      kind: 'Art',
      kindHint: (groups: string) =>
        `Gruppe und Name, zum Beispiel product.release. Abgeschaltet werden ganze Gruppen. Gruppen: ${groups}.`,
      subject: 'Betreff',
      subjectLong: 'Verwenden Sie höchstens 150 Zeichen.',
      text: 'Text',
      textHint: 'Einfacher Text; Zeilenumbrüche bleiben erhalten.',
      textLong: 'Verwenden Sie höchstens 10.000 Zeichen.',
      link: 'Link',
      linkHint: 'Eine Seite dieser Anwendung, zum Beispiel /account/plan.',
      linkForm: 'Beginnen Sie mit einem Schrägstrich, zum Beispiel /account/plan.',
      send: 'Senden …',
      cancel: 'Abbrechen',
      confirm: {
        title: (count: number) => `${count === 1 ? 'Eine Person' : personen(count)} benachrichtigen?`,
        text: (subject: string, to: string) =>
          `„${subject}“ geht an ${to}. Das lässt sich nicht zurücknehmen.`,
        role: (role: string) => `alle mit der Rolle ${role}`,
        everyone: 'alle',
        some: (names: string, more: number) =>
          more === 0
            ? names
            : `${names} und ${more === 1 ? 'eine weitere Person' : `${formatNumber(more)} weitere Personen`}`,
        action: 'Jetzt senden',
      },
      sent: (count: number) => `An ${personen(count)} gesendet.`,
      sending: (count: number) => `Die Benachrichtigung wird an ${personen(count)} gesendet.`,
      unknown:
        'Sie wurde vielleicht schon gesendet. Senden Sie sie unverändert noch einmal: Sie wird nur einmal gesendet.',
      preview: 'Vorschau',
      previewText:
        'Ihr Text ist für alle gleich. Die Wörter darum herum haben die Sprache des jeweiligen Kontos.',
    },
  },
});

/** The words of the mail around a sender's text, as in api/notifications/emails. */
export const MAIL_WORDS = {
  en: {
    open: 'Open',
    why: (application: string) => `You receive this mail because you have an account at ${application}`,
    stop: 'No more mails of this kind',
    subject: 'Subject',
    text: 'Text',
  },
  de: {
    open: 'Öffnen',
    why: (application: string) => `Sie erhalten diese E-Mail, weil Sie hier ein Konto haben: ${application}`,
    stop: 'Keine weiteren E-Mails dieser Art',
    subject: 'Betreff',
    text: 'Text',
  },
} as const;
