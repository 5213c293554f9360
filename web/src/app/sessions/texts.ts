import { texts } from '../kernel/language';

export const t = texts({
  en: {
    signIn: {
      heading: 'Sign in',
      ended: 'Your session has ended. Sign in again to continue.',
      email: 'E-mail',
      password: 'Password',
      action: 'Sign in',
      forgot: 'Forgot the password?',
      register: 'Create an account',
      unverified: 'Confirm your address first, with the link that was mailed to it.',
      resend: 'Send the link again',
      sent: (email: string) =>
        `A mail with a new link is on its way to ${email}. Open the link, then sign in.`,
    },
    list: {
      heading: 'Sessions and devices',
      lead: 'Where your account is signed in. End a session that you do not recognise, then change your password.',
      unknown: 'Unknown device',
      current: 'This device',
      signedIn: 'Signed in',
      lastSeen: 'Last used',
      end: 'End session',
      endOf: (device: string) => `End session: ${device}`,
      ended: (device: string) => `Session ended: ${device}.`,
      others: 'End all others',
      confirm: {
        title: 'End all other sessions?',
        text: 'All your other devices are signed out at once. This one stays signed in.',
        action: 'End them',
      },
      othersEnded: 'All other sessions have ended.',
      alone: 'No other device is signed in.',
    },
  },
  de: {
    signIn: {
      heading: 'Anmelden',
      ended: 'Ihre Sitzung ist beendet. Melden Sie sich wieder an, um fortzufahren.',
      email: 'E-Mail-Adresse',
      password: 'Passwort',
      action: 'Anmelden',
      forgot: 'Passwort vergessen?',
      register: 'Konto anlegen',
      unverified: 'Bestätigen Sie zuerst Ihre Adresse, mit dem Link aus der E-Mail.',
      resend: 'Link noch einmal senden',
      sent: (email: string) =>
        `Eine E-Mail mit einem neuen Link ist unterwegs an ${email}. Öffnen Sie den Link, und melden Sie sich dann an.`,
    },
    list: {
      heading: 'Sitzungen und Geräte',
      lead: 'Wo Ihr Konto angemeldet ist. Beenden Sie Sitzungen, die Sie nicht kennen, und ändern Sie dann Ihr Passwort.',
      unknown: 'Unbekanntes Gerät',
      current: 'Dieses Gerät',
      signedIn: 'Angemeldet',
      lastSeen: 'Zuletzt benutzt',
      end: 'Sitzung beenden',
      endOf: (device: string) => `Sitzung beenden: ${device}`,
      ended: (device: string) => `Sitzung beendet: ${device}.`,
      others: 'Alle anderen beenden',
      confirm: {
        title: 'Alle anderen Sitzungen beenden?',
        text: 'Alle Ihre anderen Geräte werden sofort abgemeldet. Dieses bleibt angemeldet.',
        action: 'Beenden',
      },
      othersEnded: 'Alle anderen Sitzungen sind beendet.',
      alone: 'Kein anderes Gerät ist angemeldet.',
    },
  },
});
