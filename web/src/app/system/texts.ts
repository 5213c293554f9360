import { texts } from '../kernel/language';

type ByName = Readonly<Partial<Record<string, string>>>;
/** A part of the health report: its name, what it is for, and what to do while it is not up. */
type Parts = Readonly<Partial<Record<string, { name: string; purpose: string; remedy: string }>>>;

const STATES: { en: ByName; de: ByName } = {
  en: {
    up: 'Up',
    down: 'Down',
    unknown: 'Unknown',
    busy: 'Busy',
    misconfigured: 'Misconfigured',
    unread: 'Not read',
    overdue: 'Overdue',
  },
  de: {
    up: 'Läuft',
    down: 'Ausgefallen',
    unknown: 'Unbekannt',
    busy: 'Überlastet',
    misconfigured: 'Falsch eingestellt',
    unread: 'Nicht gelesen',
    overdue: 'Überfällig',
  },
};
const PARTS: { en: Parts; de: Parts } = {
  en: {
    postgresql: {
      name: 'PostgreSQL',
      purpose: 'Stores all data.',
      remedy: 'Start it, or correct DATABASE_URL.',
    },
    migrations: {
      name: 'Migrations',
      purpose: 'The tables of this release.',
      remedy: 'Apply them: python -m migrations.',
    },
    redis: {
      name: 'Redis',
      purpose: 'Rate limits, caches and the queue of tasks.',
      remedy: 'Start it, or correct REDIS_URL.',
    },
    worker: {
      name: 'Worker',
      purpose: 'Runs tasks, sends mail, publishes events.',
      remedy: 'Start it: python -m worker.',
    },
    kafka: {
      name: 'Kafka',
      purpose: 'Takes the events for other services.',
      remedy: 'Events wait too long: start Kafka, or see the log of the worker.',
    },
    tasks: {
      name: 'Tasks',
      purpose: 'Work after an event, such as mail.',
      remedy: 'Tasks wait too long: a service that they need is down, such as the mail server.',
    },
    schedules: {
      name: 'Schedules',
      purpose: 'Tasks at fixed times.',
      remedy: 'They have not run on time: see the log of the worker.',
    },
    consumers: {
      name: 'Consumers',
      purpose: 'Read messages of other services.',
      remedy: 'No worker has counted these topics within the last minute: see its log.',
    },
    smtp: {
      name: 'Mail server',
      purpose: 'Delivers mail (SMTP).',
      remedy: 'See the log of the worker.',
    },
  },
  de: {
    postgresql: {
      name: 'PostgreSQL',
      purpose: 'Speichert alle Daten.',
      remedy: 'Starten Sie es, oder berichtigen Sie DATABASE_URL.',
    },
    migrations: {
      name: 'Migrationen',
      purpose: 'Die Tabellen dieser Version.',
      remedy: 'Wenden Sie sie an: python -m migrations.',
    },
    redis: {
      name: 'Redis',
      purpose: 'Begrenzungen, Zwischenspeicher und die Warteschlange der Aufgaben.',
      remedy: 'Starten Sie es, oder berichtigen Sie REDIS_URL.',
    },
    worker: {
      name: 'Worker',
      purpose: 'Führt Aufgaben aus, sendet E-Mails, veröffentlicht Ereignisse.',
      remedy: 'Starten Sie ihn: python -m worker.',
    },
    kafka: {
      name: 'Kafka',
      purpose: 'Nimmt die Ereignisse für andere Dienste entgegen.',
      remedy: 'Ereignisse warten zu lange: Starten Sie Kafka, oder sehen Sie ins Log des Workers.',
    },
    tasks: {
      name: 'Aufgaben',
      purpose: 'Arbeit nach einem Ereignis, zum Beispiel E-Mails.',
      remedy:
        'Aufgaben warten zu lange: Ein Dienst, den sie brauchen, ist ausgefallen, zum Beispiel der Mailserver.',
    },
    schedules: {
      name: 'Zeitpläne',
      purpose: 'Aufgaben zu festen Zeiten.',
      remedy: 'Sie sind nicht rechtzeitig gelaufen: Sehen Sie ins Log des Workers.',
    },
    consumers: {
      name: 'Empfänger',
      purpose: 'Lesen Nachrichten anderer Dienste.',
      remedy: 'Kein Worker hat diese Topics in der letzten Minute gezählt: Sehen Sie in sein Log.',
    },
    smtp: {
      name: 'Mailserver',
      purpose: 'Stellt E-Mails zu (SMTP).',
      remedy: 'Sehen Sie ins Log des Workers.',
    },
  },
};

export const t = texts({
  en: {
    notFound: {
      heading: 'Page not found',
      text: 'There is no page at this address. It may be misspelt, or the page has moved.',
      action: 'Go to the start page',
    },
    forbidden: {
      heading: 'No access',
      text: 'This page is for administrators. Ask one for the permission, or sign in with another account.',
      who: (email: string) => `You are signed in as ${email}.`,
      action: 'Go to the start page',
      other: 'Sign in with another account',
    },
    health: {
      heading: 'Health',
      lead: 'The application and the services that it depends on.',
      ok: 'Everything works',
      degraded: 'Degraded',
      working: 'All services are up, and there are no dead letters.',
      failing: (count: number) =>
        count === 1 ? 'One service needs attention.' : `${String(count)} services need attention.`,
      letters: (count: string) =>
        count === '1' ? 'There is 1 dead letter.' : `There are ${count} dead letters.`,
      show: 'Show dead letters',
      version: 'Version',
      environment: 'Environment',
      checked: 'Checked',
      services: 'Services',
      updated: 'Updated every 5 seconds.',
      stale: 'The state could not be read again. This one is of',
      hidden:
        'The state of each service is not available, because the account could not be checked. PostgreSQL may be down.',
      states: STATES.en,
      parts: PARTS.en,
    },
  },
  de: {
    notFound: {
      heading: 'Seite nicht gefunden',
      text: 'Unter dieser Adresse gibt es keine Seite. Vielleicht ist sie falsch geschrieben, oder die Seite ist umgezogen.',
      action: 'Zur Startseite',
    },
    forbidden: {
      heading: 'Kein Zugriff',
      text: 'Diese Seite ist für Verwalter. Bitten Sie um die Berechtigung, oder melden Sie sich mit einem anderen Konto an.',
      who: (email: string) => `Sie sind als ${email} angemeldet.`,
      action: 'Zur Startseite',
      other: 'Mit einem anderen Konto anmelden',
    },
    health: {
      heading: 'Zustand',
      lead: 'Die Anwendung und die Dienste, die sie braucht.',
      ok: 'Alles in Ordnung',
      degraded: 'Eingeschränkt',
      working: 'Alle Dienste laufen, und kein Auftrag ist gescheitert.',
      failing: (count: number) =>
        count === 1
          ? 'Ein Dienst braucht Aufmerksamkeit.'
          : `${String(count)} Dienste brauchen Aufmerksamkeit.`,
      letters: (count: string) =>
        count === '1' ? '1 Auftrag ist gescheitert.' : `${count} Aufträge sind gescheitert.`,
      show: 'Gescheiterte Aufträge anzeigen',
      version: 'Version',
      environment: 'Umgebung',
      checked: 'Geprüft',
      services: 'Dienste',
      updated: 'Wird alle 5 Sekunden aktualisiert.',
      stale: 'Der Zustand konnte nicht neu gelesen werden. Dieser ist von',
      hidden:
        'Der Zustand der einzelnen Dienste ist nicht verfügbar, weil das Konto nicht geprüft werden konnte. Vielleicht ist PostgreSQL ausgefallen.',
      states: STATES.de,
      parts: PARTS.de,
    },
  },
});
