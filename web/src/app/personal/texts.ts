import { texts } from '../kernel/language';
import { explainProblems } from '../kernel/problem';

export const t = texts({
  en: {
    heading: 'Your data',
    lead: 'Download a copy of everything that is stored about your account.',
    request: 'Request a copy',
    requested: 'The copy is being prepared. A mail follows when it is ready.',
    unconfirmed: 'Confirm your e-mail address first. The link to the copy is mailed to it.',
    address: 'E-mail address',
    copies: 'Copies',
    title: 'Copy of your data',
    preparing: 'Being prepared',
    ready: 'Ready',
    asked: 'Requested',
    until: 'Available until',
    large: 'Large file',
    download: 'Download',
    downloadOf: (day: string) => `Download the copy requested on ${day}`,
    empty: 'No copy yet',
    emptyText: 'Preparing one takes a moment. You can then download it here for seven days.',
    contents: 'What a copy contains',
    contentsLead:
      'A ZIP file with a JSON file for each kind of data, as of the time of the download, and a README that explains them.',
    omitted:
      'Passwords, tokens and other secrets are not included, and neither is data of other people, such as who an administrator is.',
    leaving: 'Do you want to delete your account?',
    leave: 'Delete the account',
  },
  de: {
    heading: 'Ihre Daten',
    lead: 'Laden Sie eine Kopie von allem herunter, was zu Ihrem Konto gespeichert ist.',
    request: 'Kopie anfordern',
    requested: 'Die Kopie wird vorbereitet. Sie erhalten eine E-Mail, wenn sie bereit ist.',
    unconfirmed: 'Bestätigen Sie zuerst Ihre E-Mail-Adresse. An sie wird der Link zur Kopie gesendet.',
    address: 'E-Mail-Adresse',
    copies: 'Kopien',
    title: 'Kopie Ihrer Daten',
    preparing: 'In Vorbereitung',
    ready: 'Bereit',
    asked: 'Angefordert',
    until: 'Verfügbar bis',
    large: 'Große Datei',
    download: 'Herunterladen',
    downloadOf: (day) => `Kopie herunterladen, angefordert am ${day}`,
    empty: 'Noch keine Kopie',
    emptyText:
      'Das Vorbereiten dauert einen Moment. Danach können Sie sie hier sieben Tage lang herunterladen.',
    contents: 'Was eine Kopie enthält',
    contentsLead:
      'Eine ZIP-Datei mit einer JSON-Datei für jede Art von Daten, mit dem Stand des Herunterladens, und einer README, die sie erklärt.',
    omitted:
      'Nicht enthalten sind Passwörter, Token und andere Geheimnisse sowie Daten anderer Personen, etwa wer ein Administrator ist.',
    leaving: 'Möchten Sie Ihr Konto löschen?',
    leave: 'Konto löschen',
  },
});

explainProblems({
  en: {},
  de: {
    EXPORT_BUSY:
      'Die Daten dieses Kontos werden gerade schon heruntergeladen. Warten Sie, bis das beendet ist.',
    EXPORT_UNVERIFIED: 'Bestätigen Sie zuerst Ihre E-Mail-Adresse.',
  },
});
