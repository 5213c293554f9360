import { texts } from '../../kernel/language';
import { explainProblems } from '../../kernel/problem';

export const t = texts({
  en: {
    email: 'E-mail',
    signIn: 'Sign in',
    back: 'Back to the account',
    sendLink: 'Send the link',
    password: {
      label: 'Password',
      new: 'New password',
      hint: '8 to 128 characters. Several words are easy to remember and hard to guess.',
    },
    register: {
      heading: 'Create an account',
      lead: 'A link to confirm your address is mailed to it.',
      action: 'Create account',
      member: 'You have an account?',
      sent: (email: string) =>
        `We have sent a mail to ${email}. Open the link in it to confirm the address. If you already have an account, the mail says how to sign in.`,
    },
    forgot: {
      heading: 'Forgot the password?',
      lead: 'Enter the address of your account. A link to choose a new password is mailed to it.',
      sent: (email: string) =>
        `If there is an account with the address ${email}, a mail with a link is on its way. The link works once, within 30 minutes.`,
    },
    resend: {
      heading: 'Confirm your address',
      lead: 'Enter the address with which you registered. The link to confirm it is mailed again.',
      sent: (email: string) =>
        `If the address ${email} is still to be confirmed, a mail with a link is on its way. The link works once, within 24 hours.`,
    },
    mailbox: {
      heading: 'Check your mailbox',
      nothing: 'Nothing there after a few minutes? Look in the spam folder, or have the mail sent again.',
      local: 'In development no mail leaves this machine: “make run” prints the address of its mailbox.',
      again: 'Send again',
      wait: (seconds: number) => `Send again in ${String(seconds)} s`,
      sent: 'The mail was requested again.',
      other: 'Use another address',
    },
    link: {
      other: (email: string) =>
        `You are signed in as ${email}. The link may be for another account; check to whom the mail was sent.`,
      dead: 'This link does not work any more',
      missing: 'Open the link in the mail again',
      missingText:
        'This page opens only with the link in a mail. For your safety the browser does not keep the link when the page is reloaded.',
      renew: 'Request a new link',
      start: 'Go to the start page',
    },
    next: {
      start: 'Continue',
      still: (email: string) => `In this browser you are still signed in with another account: ${email}.`,
      signedIn: (email: string) => `In this browser you are signed in as ${email}.`,
      change: 'Switch accounts',
      stay: 'Stay signed in',
    },
    verify: {
      heading: 'Confirm your address',
      lead: 'An account was registered with your e-mail address:',
      when: 'When',
      device: 'Device',
      address: 'Network address',
      unknown: 'unknown',
      stranger: 'I did not register this account',
      strangerNote:
        'Choose a new password. The account becomes yours, and all data stored in it so far is deleted.',
      action: 'Confirm the address',
      takeOver: 'Take over the account',
      done: 'Your address is confirmed',
      doneText: (email: string) => `The account of ${email} is ready.`,
      already: 'Your address is already confirmed',
      alreadyText: 'The link was used before. You can sign in.',
      dead: 'It was used already, or it is older than 24 hours. If you have confirmed your address, sign in; otherwise request a new link.',
    },
    links: {
      'reset-password': {
        heading: 'Set a new password',
        lead: 'All devices that are signed in to the account are signed out.',
        action: 'Set the password',
        done: 'The password is set',
        doneText: () => 'All devices are signed out. Sign in with the new password.',
        dead: 'It was used already, it is older than 30 minutes, or the password was changed since. Request a new one.',
      },
      'accept-invitation': {
        heading: 'Accept the invitation',
        lead: 'An account was created for you. Choose a password to use it.',
        action: 'Accept the invitation',
        done: 'Welcome',
        doneText: () => 'The password is set. Sign in with the address to which the invitation was sent.',
        dead: 'The invitation was accepted already, or it is older than 7 days. If you have chosen a password, sign in; otherwise request a new link.',
      },
      'confirm-email': {
        heading: 'Confirm your new address',
        lead: 'From then on you sign in with the new address. All devices are signed out.',
        action: 'Confirm the new address',
        done: 'The new address is confirmed',
        doneText: (email: string) => `All devices are signed out. Sign in with ${email}.`,
        dead: 'It was used already, it is older than 24 hours, or the change was cancelled. Sign in and change the address again.',
      },
      'revert-email': {
        heading: 'Keep the old address',
        lead: 'The change of your address is cancelled or taken back. All devices are signed out, and you choose a new password.',
        action: 'Keep the old address',
        done: 'The old address stays',
        doneText: (email: string) =>
          `All devices are signed out. Sign in with ${email} and the new password.`,
        dead: 'It was used already, or it is older than 72 hours. If you did not change the address, contact the administrators.',
      },
    },
  },
  de: {
    email: 'E-Mail-Adresse',
    signIn: 'Anmelden',
    back: 'Zurück zum Konto',
    sendLink: 'Link senden',
    password: {
      label: 'Passwort',
      new: 'Neues Passwort',
      hint: '8 bis 128 Zeichen. Mehrere Wörter sind leicht zu merken und schwer zu erraten.',
    },
    register: {
      heading: 'Konto anlegen',
      lead: 'Sie erhalten eine E-Mail mit einem Link, um Ihre Adresse zu bestätigen.',
      action: 'Konto anlegen',
      member: 'Sie haben schon ein Konto?',
      sent: (email: string) =>
        `Wir haben eine E-Mail an ${email} gesendet. Öffnen Sie den Link darin, um die Adresse zu bestätigen. Wenn Sie schon ein Konto haben, steht in der E-Mail, wie Sie sich anmelden.`,
    },
    forgot: {
      heading: 'Passwort vergessen?',
      lead: 'Geben Sie die Adresse Ihres Kontos ein. Sie erhalten eine E-Mail mit einem Link, um ein neues Passwort zu wählen.',
      sent: (email: string) =>
        `Wenn es ein Konto mit der Adresse ${email} gibt, ist eine E-Mail mit einem Link unterwegs. Der Link gilt einmal, innerhalb von 30 Minuten.`,
    },
    resend: {
      heading: 'Adresse bestätigen',
      lead: 'Geben Sie die Adresse ein, mit der Sie sich registriert haben. Sie erhalten den Link noch einmal.',
      sent: (email: string) =>
        `Wenn die Adresse ${email} noch zu bestätigen ist, ist eine E-Mail mit einem Link unterwegs. Der Link gilt einmal, innerhalb von 24 Stunden.`,
    },
    mailbox: {
      heading: 'Prüfen Sie Ihr Postfach',
      nothing:
        'Nach einigen Minuten ist nichts da? Sehen Sie im Spam-Ordner nach, oder lassen Sie die E-Mail noch einmal senden.',
      local:
        'In der Entwicklung verlässt keine E-Mail diesen Rechner: „make run“ nennt die Adresse des Postfachs.',
      again: 'Noch einmal senden',
      wait: (seconds: number) => `Noch einmal senden in ${String(seconds)} s`,
      sent: 'Die E-Mail wurde noch einmal angefordert.',
      other: 'Andere Adresse verwenden',
    },
    link: {
      other: (email: string) =>
        `Sie sind als ${email} angemeldet. Der Link gehört vielleicht zu einem anderen Konto; prüfen Sie, an wen die E-Mail ging.`,
      dead: 'Dieser Link gilt nicht mehr',
      missing: 'Öffnen Sie den Link in der E-Mail noch einmal',
      missingText:
        'Diese Seite öffnet sich nur mit dem Link aus einer E-Mail. Zu Ihrer Sicherheit behält der Browser den Link nicht, wenn die Seite neu geladen wird.',
      renew: 'Neuen Link anfordern',
      start: 'Zur Startseite',
    },
    next: {
      start: 'Weiter',
      still: (email: string) =>
        `In diesem Browser sind Sie noch mit einem anderen Konto angemeldet: ${email}.`,
      signedIn: (email: string) => `In diesem Browser sind Sie als ${email} angemeldet.`,
      change: 'Konto wechseln',
      stay: 'Angemeldet bleiben',
    },
    verify: {
      heading: 'Adresse bestätigen',
      lead: 'Mit Ihrer E-Mail-Adresse wurde ein Konto angelegt:',
      when: 'Zeitpunkt',
      device: 'Gerät',
      address: 'Netzwerkadresse',
      unknown: 'unbekannt',
      stranger: 'Ich habe dieses Konto nicht angelegt',
      strangerNote:
        'Wählen Sie ein neues Passwort. Das Konto gehört dann Ihnen, und alle bisher darin gespeicherten Daten werden gelöscht.',
      action: 'Adresse bestätigen',
      takeOver: 'Konto übernehmen',
      done: 'Ihre Adresse ist bestätigt',
      doneText: (email: string) => `Das Konto von ${email} ist bereit.`,
      already: 'Ihre Adresse ist schon bestätigt',
      alreadyText: 'Der Link wurde schon benutzt. Sie können sich anmelden.',
      dead: 'Er wurde schon benutzt oder ist älter als 24 Stunden. Wenn Sie Ihre Adresse bestätigt haben, melden Sie sich an; sonst fordern Sie einen neuen Link an.',
    },
    links: {
      'reset-password': {
        heading: 'Neues Passwort festlegen',
        lead: 'Alle Geräte, auf denen das Konto angemeldet ist, werden abgemeldet.',
        action: 'Passwort festlegen',
        done: 'Das Passwort ist festgelegt',
        doneText: () => 'Alle Geräte sind abgemeldet. Melden Sie sich mit dem neuen Passwort an.',
        dead: 'Er wurde schon benutzt, ist älter als 30 Minuten, oder das Passwort wurde inzwischen geändert. Fordern Sie einen neuen an.',
      },
      'accept-invitation': {
        heading: 'Einladung annehmen',
        lead: 'Für Sie wurde ein Konto angelegt. Wählen Sie ein Passwort, um es zu benutzen.',
        action: 'Einladung annehmen',
        done: 'Willkommen',
        doneText: () =>
          'Das Passwort ist festgelegt. Melden Sie sich mit der Adresse an, an die die Einladung ging.',
        dead: 'Die Einladung wurde schon angenommen oder ist älter als 7 Tage. Wenn Sie ein Passwort gewählt haben, melden Sie sich an; sonst fordern Sie einen neuen Link an.',
      },
      'confirm-email': {
        heading: 'Neue Adresse bestätigen',
        lead: 'Danach melden Sie sich mit der neuen Adresse an. Alle Geräte werden abgemeldet.',
        action: 'Neue Adresse bestätigen',
        done: 'Die neue Adresse ist bestätigt',
        doneText: (email: string) => `Alle Geräte sind abgemeldet. Melden Sie sich mit ${email} an.`,
        dead: 'Er wurde schon benutzt, ist älter als 24 Stunden, oder die Änderung wurde abgebrochen. Melden Sie sich an, und ändern Sie die Adresse noch einmal.',
      },
      'revert-email': {
        heading: 'Alte Adresse behalten',
        lead: 'Die Änderung Ihrer Adresse wird abgebrochen oder zurückgenommen. Alle Geräte werden abgemeldet, und Sie wählen ein neues Passwort.',
        action: 'Alte Adresse behalten',
        done: 'Die alte Adresse bleibt',
        doneText: (email: string) =>
          `Alle Geräte sind abgemeldet. Melden Sie sich mit ${email} und dem neuen Passwort an.`,
        dead: 'Er wurde schon benutzt oder ist älter als 72 Stunden. Wenn Sie die Adresse nicht geändert haben, wenden Sie sich an die Verwalter.',
      },
    },
  },
});

explainProblems({
  en: {},
  de: {
    CONFIRM_EMAIL_BAD_TOKEN:
      'Der Link ist ungültig, abgelaufen oder schon benutzt, oder die Änderung wurde abgebrochen.',
    RESET_PASSWORD_BAD_TOKEN:
      'Der Link ist ungültig, abgelaufen oder schon benutzt. Fordern Sie einen neuen an.',
    REVERT_EMAIL_BAD_TOKEN:
      'Der Link ist ungültig, abgelaufen oder schon benutzt. Fordern Sie einen neuen an.',
    VERIFY_USER_BAD_TOKEN:
      'Der Link ist ungültig, abgelaufen oder schon benutzt. Fordern Sie einen neuen an.',
    VERIFY_USER_ALREADY_VERIFIED: 'Die Adresse ist schon bestätigt. Melden Sie sich an.',
  },
});
