import { explainFields } from '../kernel/field-error';
import { texts } from '../kernel/language';
import { explainProblems } from '../kernel/problem';
import { formatNumber } from '../kernel/time';

const MOST = 1000; // the server counts no further
const counted = (count: number) => formatNumber(count) + (count >= MOST ? '+' : '');

export const t = texts({
  en: {
    back: 'All webhooks',
    states: {
      active: 'Active',
      failing: 'Failing',
      disabled: 'Disabled',
      pending: 'Pending',
      held: 'Held',
      delivered: 'Delivered',
      failed: 'Failed',
      everyone: 'Events of all accounts',
    },
    list: {
      heading: 'Webhooks',
      lead: 'Signed HTTP requests to your application after events that you choose.',
      add: 'New webhook',
      catalog: 'Event catalog',
      unverified: 'Confirm your e-mail address before you create webhooks.',
      confirm: 'Send the link again',
      none: 'No webhooks yet',
      noneText: 'Register an address, and it receives a request after each event. Start with a receiver:',
      all: 'All events',
      more: (count: number) => `+${String(count)}`,
      failing: 'first failure',
      disabled: 'disabled',
      held: (count: number) => (count === 1 ? '1 delivery is held' : `${counted(count)} deliveries are held`),
      waiting: (count: number) => (count === 1 ? '1 delivery waits' : `${counted(count)} deliveries wait`),
      created: 'created',
    },
    fields: {
      url: 'Address (URL)',
      urlHint: 'https, and reachable from the internet.',
      urlInvalid: 'Enter an address that begins with https://.',
      description: 'Description',
      descriptionHint: 'For yourself, such as the name of the application.',
      long: 'Enter at most 200 characters.',
      events: 'Events',
      scope: 'Whose events',
      own: 'My account’s',
      ownHint: 'Events about your account.',
      all: 'All accounts’',
      allHint: 'Every event, while you are a superuser.',
      ownSecret: 'Use a secret of my own',
      ownSecretHint: 'Otherwise the server generates one.',
      secret: 'Secret',
      secretHint: 'whsec_ and 24 to 64 bytes in base64.',
      secretInvalid: 'Enter whsec_ and 24 to 64 bytes in base64.',
    },
    events: {
      all: 'All events',
      allHint: 'Also those of later releases.',
      find: 'Find an event',
      topic: (count: number) => (count === 1 ? '1 event' : `${String(count)} events`),
      future: 'also later ones',
      show: (topic: string) => `Show events of ${topic}`,
      none: 'No event matches.',
      least: 'Choose at least one event.',
      most: 'Choose at most 50, or all of a group.',
      loading: 'The catalog could not be loaded.',
    },
    create: {
      heading: 'New webhook',
      lead: 'It receives a signed request after each event that you choose.',
      action: 'Create webhook',
      cancel: 'Cancel',
      done: 'Webhook created',
      open: 'Open the webhook',
    },
    secret: {
      heading: 'Signing secret',
      warning: 'Copy the secret now. It is not shown again.',
      text: 'Your application verifies with it that requests are from here. Keep it like a password.',
      label: 'Secret',
      receiver: 'Receive and verify',
      language: 'Language',
      code: (language: string) => `Receiver in ${language}`,
      place: 'the secret of your webhook',
    },
    one: {
      heading: 'Webhook',
      settings: 'Settings',
      state: 'State',
      enable: 'Enable',
      enabled: 'The webhook is enabled.',
      released: (count: number) =>
        count === 1
          ? 'The webhook is enabled. 1 delivery is released.'
          : `The webhook is enabled. ${counted(count)} deliveries are released.`,
      disable: 'Disable',
      disabled: 'The webhook is disabled.',
      undo: 'Undo',
      disabledText: 'Events are held until you enable it, then delivered in their order.',
      heldText: (count: number) =>
        count === 1 ? 'One delivery is held so far.' : `${counted(count)} deliveries are held so far.`,
      failingText: (count: number) =>
        count === 1 ? 'One failed attempt,' : `${formatNumber(count)} failed attempts, the first`,
      failingHint: 'Deliveries are repeated for four days. After five days of failures, it is disabled.',
      facts: 'Facts',
      id: 'Id',
      scope: 'Receives',
      own: 'Events about your account',
      everyone: 'Events of all accounts',
      created: 'Created',
      changed: 'Changed',
      save: 'Save',
      discard: 'Discard changes',
      saved: 'Saved.',
      conflict: 'This webhook was changed in the meantime',
      secret: 'Secret and deletion',
      rotate: 'Rotate secret',
      rotateText: 'Replace it if it may be known to others, or from time to time.',
      overlap: 'The previous secret signs too until',
      revoke: 'Revoke previous secret',
      revokeTitle: 'Revoke the previous secret?',
      revokeText: 'Receivers that still verify with it refuse all deliveries from now on.',
      revoked: 'The previous secret is revoked.',
      remove: 'Delete webhook',
      removeText: 'Deletes its deliveries too.',
      removeTitle: 'Delete this webhook?',
      removeSure: 'Its log is deleted, and deliveries that wait are not sent. This cannot be undone.',
      removed: 'The webhook is deleted.',
      test: 'Send test',
      testing: 'The test is being sent.',
      tested: 'The test arrived.',
      testFailed: 'The test failed.',
      details: 'Details',
      more: 'More actions',
    },
    rotate: {
      title: 'Rotate the secret',
      text: 'Requests carry signatures with both secrets for a time, so that you can change the receiver without losing any.',
      grace: 'The previous secret signs too for',
      hours: (hours: number) => {
        if (hours === 0) return 'no time: revoke it now';
        if (hours === 1) return '1 hour';
        return hours < 48 ? `${String(hours)} hours` : `${String(hours / 24)} days`;
      },
      action: 'Rotate',
      done: 'The secret is rotated',
      close: 'Done',
    },
    catalog: {
      heading: 'Event catalog',
      lead: 'The events that webhooks can receive, with the JSON Schema and an example of each.',
      find: 'Find an event',
      none: 'No event matches',
      noneText: 'Search for another part of its name.',
      clear: 'Clear search',
      example: 'Example of a body',
      schema: 'Schema of data',
    },
  },
  de: {
    back: 'Alle Webhooks',
    states: {
      active: 'Aktiv',
      failing: 'Fehlerhaft',
      disabled: 'Deaktiviert',
      pending: 'Ausstehend',
      held: 'Zurückgehalten',
      delivered: 'Zugestellt',
      failed: 'Gescheitert',
      everyone: 'Ereignisse aller Konten',
    },
    list: {
      heading: 'Webhooks',
      lead: 'Signierte HTTP-Anfragen an Ihre Anwendung nach Ereignissen, die Sie auswählen.',
      add: 'Neuer Webhook',
      catalog: 'Ereigniskatalog',
      unverified: 'Bestätigen Sie Ihre E-Mail-Adresse, bevor Sie Webhooks anlegen.',
      confirm: 'Link erneut senden',
      none: 'Noch keine Webhooks',
      noneText:
        'Tragen Sie eine Adresse ein. Sie erhält nach jedem Ereignis eine Anfrage. Beginnen Sie mit einem Empfänger:',
      all: 'Alle Ereignisse',
      more: (count: number) => `+${String(count)}`,
      failing: 'erster Fehler',
      disabled: 'deaktiviert',
      held: (count: number) =>
        count === 1 ? '1 Zustellung zurückgehalten' : `${counted(count)} Zustellungen zurückgehalten`,
      waiting: (count: number) =>
        count === 1 ? '1 Zustellung steht aus' : `${counted(count)} Zustellungen stehen aus`,
      created: 'angelegt',
    },
    fields: {
      url: 'Adresse (URL)',
      urlHint: 'https und aus dem Internet erreichbar.',
      urlInvalid: 'Geben Sie eine Adresse ein, die mit https:// beginnt.',
      description: 'Beschreibung',
      descriptionHint: 'Für Sie selbst, zum Beispiel der Name der Anwendung.',
      long: 'Geben Sie höchstens 200 Zeichen ein.',
      events: 'Ereignisse',
      scope: 'Wessen Ereignisse',
      own: 'Meines Kontos',
      ownHint: 'Ereignisse, die Ihr Konto betreffen.',
      all: 'Aller Konten',
      allHint: 'Jedes Ereignis, solange Sie Superuser sind.',
      ownSecret: 'Eigenes Geheimnis verwenden',
      ownSecretHint: 'Sonst erzeugt der Server eines.',
      secret: 'Geheimnis',
      secretHint: 'whsec_ und 24 bis 64 Bytes in Base64.',
      secretInvalid: 'Geben Sie whsec_ und 24 bis 64 Bytes in Base64 ein.',
    },
    events: {
      all: 'Alle Ereignisse',
      allHint: 'Auch die späterer Versionen.',
      find: 'Ereignis suchen',
      topic: (count: number) => (count === 1 ? '1 Ereignis' : `${String(count)} Ereignisse`),
      future: 'auch spätere',
      show: (topic: string) => `Ereignisse von ${topic} anzeigen`,
      none: 'Kein Ereignis passt.',
      least: 'Wählen Sie mindestens ein Ereignis.',
      most: 'Wählen Sie höchstens 50 oder alle einer Gruppe.',
      loading: 'Der Katalog konnte nicht geladen werden.',
    },
    create: {
      heading: 'Neuer Webhook',
      lead: 'Er erhält nach jedem Ereignis, das Sie auswählen, eine signierte Anfrage.',
      action: 'Webhook anlegen',
      cancel: 'Abbrechen',
      done: 'Webhook angelegt',
      open: 'Webhook öffnen',
    },
    secret: {
      heading: 'Geheimnis für Signaturen',
      warning: 'Kopieren Sie das Geheimnis jetzt. Es wird nicht noch einmal angezeigt.',
      text: 'Ihre Anwendung prüft damit, dass Anfragen von hier stammen. Bewahren Sie es wie ein Passwort auf.',
      label: 'Geheimnis',
      receiver: 'Empfangen und prüfen',
      language: 'Sprache',
      code: (language: string) => `Empfänger in ${language}`,
      place: 'das Geheimnis Ihres Webhooks',
    },
    one: {
      heading: 'Webhook',
      settings: 'Einstellungen',
      state: 'Zustand',
      enable: 'Aktivieren',
      enabled: 'Der Webhook ist aktiviert.',
      released: (count: number) =>
        count === 1
          ? 'Der Webhook ist aktiviert. 1 Zustellung wird nachgeholt.'
          : `Der Webhook ist aktiviert. ${counted(count)} Zustellungen werden nachgeholt.`,
      disable: 'Deaktivieren',
      disabled: 'Der Webhook ist deaktiviert.',
      undo: 'Rückgängig',
      disabledText:
        'Ereignisse werden zurückgehalten, bis Sie ihn aktivieren, und dann in ihrer Reihenfolge zugestellt.',
      heldText: (count: number) =>
        count === 1
          ? 'Bisher ist eine Zustellung zurückgehalten.'
          : `Bisher sind ${counted(count)} Zustellungen zurückgehalten.`,
      failingText: (count: number) =>
        count === 1
          ? 'Ein gescheiterter Versuch,'
          : `${formatNumber(count)} gescheiterte Versuche, der erste`,
      failingHint:
        'Zustellungen werden vier Tage lang wiederholt. Nach fünf Tagen mit Fehlern wird er deaktiviert.',
      facts: 'Angaben',
      id: 'ID',
      scope: 'Erhält',
      own: 'Ereignisse zu Ihrem Konto',
      everyone: 'Ereignisse aller Konten',
      created: 'Angelegt',
      changed: 'Geändert',
      save: 'Speichern',
      discard: 'Änderungen verwerfen',
      saved: 'Gespeichert.',
      conflict: 'Dieser Webhook wurde inzwischen geändert',
      secret: 'Geheimnis und Löschung',
      rotate: 'Geheimnis wechseln',
      rotateText: 'Wechseln Sie es, wenn andere es kennen könnten, oder von Zeit zu Zeit.',
      overlap: 'Das vorige Geheimnis signiert mit bis',
      revoke: 'Voriges Geheimnis widerrufen',
      revokeTitle: 'Das vorige Geheimnis widerrufen?',
      revokeText: 'Empfänger, die noch damit prüfen, weisen ab sofort alle Zustellungen ab.',
      revoked: 'Das vorige Geheimnis ist widerrufen.',
      remove: 'Webhook löschen',
      removeText: 'Löscht auch seine Zustellungen.',
      removeTitle: 'Diesen Webhook löschen?',
      removeSure:
        'Sein Protokoll wird gelöscht, ausstehende Zustellungen werden nicht gesendet. Das kann nicht rückgängig gemacht werden.',
      removed: 'Der Webhook ist gelöscht.',
      test: 'Test senden',
      testing: 'Der Test wird gesendet.',
      tested: 'Der Test ist angekommen.',
      testFailed: 'Der Test ist gescheitert.',
      details: 'Einzelheiten',
      more: 'Weitere Aktionen',
    },
    rotate: {
      title: 'Geheimnis wechseln',
      text: 'Eine Zeit lang tragen Anfragen Signaturen mit beiden Geheimnissen, damit Sie den Empfänger ohne Verlust umstellen können.',
      grace: 'Das vorige Geheimnis signiert mit für',
      hours: (hours: number) => {
        if (hours === 0) return 'keine Zeit: jetzt widerrufen';
        if (hours === 1) return '1 Stunde';
        return hours < 48 ? `${String(hours)} Stunden` : `${String(hours / 24)} Tage`;
      },
      action: 'Wechseln',
      done: 'Das Geheimnis ist gewechselt',
      close: 'Fertig',
    },
    catalog: {
      heading: 'Ereigniskatalog',
      lead: 'Die Ereignisse, die Webhooks erhalten können, jeweils mit JSON-Schema und Beispiel.',
      find: 'Ereignis suchen',
      none: 'Kein Ereignis passt',
      noneText: 'Suchen Sie nach einem anderen Teil des Namens.',
      clear: 'Suche löschen',
      example: 'Beispiel eines Inhalts',
      schema: 'Schema von data',
    },
  },
});

type Named = Readonly<Partial<Record<string, string>>>;

/** Why a webhook is disabled, by `disabled_reason`. */
export const why = texts<Named>({
  en: {
    owner: 'You have disabled it.',
    gone: 'It was disabled because the address answered 410 Gone.',
    failing: 'It was disabled because all attempts of five days failed.',
  },
  de: {
    owner: 'Sie haben ihn deaktiviert.',
    gone: 'Er wurde deaktiviert, weil die Adresse mit 410 Gone geantwortet hat.',
    failing: 'Er wurde deaktiviert, weil alle Versuche von fünf Tagen gescheitert sind.',
  },
});

explainProblems({
  en: {
    WEBHOOK_UNVERIFIED: 'Confirm your e-mail address before you create webhooks.',
    WEBHOOK_SCOPE_FORBIDDEN: 'Only superusers receive the events of all accounts.',
    WEBHOOK_LIMIT_REACHED: 'This account has the maximum number of webhooks. Delete one first.',
    WEBHOOK_DISABLED: 'The webhook is disabled. Enable it first.',
    WEBHOOK_TOO_OLD: 'Events of that age are no longer kept. Choose a later time.',
  },
  de: {
    WEBHOOK_UNVERIFIED: 'Bestätigen Sie Ihre E-Mail-Adresse, bevor Sie Webhooks anlegen.',
    WEBHOOK_SCOPE_FORBIDDEN: 'Nur Superuser erhalten die Ereignisse aller Konten.',
    WEBHOOK_LIMIT_REACHED: 'Dieses Konto hat die Höchstzahl an Webhooks. Löschen Sie zuerst einen.',
    WEBHOOK_DISABLED: 'Der Webhook ist deaktiviert. Aktivieren Sie ihn zuerst.',
    WEBHOOK_TOO_OLD: 'So alte Ereignisse werden nicht mehr aufbewahrt. Wählen Sie eine spätere Zeit.',
  },
});

explainFields({
  de: {
    event_type: () => 'Ein Ereignis dieser Art gibt es nicht.',
    url: () => 'Diese Adresse ist fehlerhaft.',
    url_host: () => 'Die Adresse muss mit https:// beginnen und einen Hostnamen in ASCII haben.',
    url_extras: () => 'Die Adresse darf weder Zugangsdaten noch ein Fragment (#) haben.',
    url_scheme: () => 'Die Adresse muss mit https:// beginnen.',
    url_port: ({ ports }) => `Die Adresse muss einen dieser Ports haben: ${String(ports)}.`,
    url_scheme_and_port: ({ ports }) =>
      `Die Adresse muss mit https:// beginnen und einen dieser Ports haben: ${String(ports)}.`,
    url_not_public: () => 'Der Hostname führt zu einer Adresse, die nicht öffentlich ist.',
    url_unresolved: () => 'Der Hostname ist unbekannt.',
  },
});
