import { texts } from '../kernel/language';

export const t = texts({
  en: {
    notFound: {
      heading: 'Page not found',
      text: 'The address may be misspelt, or the page has moved.',
      action: 'Go to the start page',
    },
    forbidden: {
      heading: 'No access',
      text: 'This page is for administrators. Ask one to give you the role, or sign in with another account.',
      action: 'Go to the start page',
    },
  },
  de: {
    notFound: {
      heading: 'Seite nicht gefunden',
      text: 'Vielleicht ist die Adresse falsch geschrieben, oder die Seite ist umgezogen.',
      action: 'Zur Startseite',
    },
    forbidden: {
      heading: 'Kein Zugriff',
      text: 'Diese Seite ist für Verwalter. Bitten Sie um die Berechtigung, oder melden Sie sich mit einem anderen Konto an.',
      action: 'Zur Startseite',
    },
  },
});
