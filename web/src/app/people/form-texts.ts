import { texts } from '../kernel/language';

/** Texts of the form of a person, and of its dialogs. */
export const t = texts({
  en: {
    fields: {
      name: 'Name',
      email: 'E-mail',
      roles: 'Roles',
      is_verified: 'Address confirmed',
      is_superuser: 'Superuser',
      is_active: 'Active',
    },
    form: {
      emailHint: 'A new address takes effect at once and ends all sessions.',
      ownEmailHint: 'A new address of your own takes effect when you confirm it by the link mailed to it.',
      activeHint: 'The person can sign in.',
      verifiedHint: 'The person has confirmed that the address is theirs.',
      superuserHint: 'May see and change everything.',
      grants:
        'The address is not confirmed. Saving ends all sessions, voids the password and mails a link to choose a new one.',
      save: 'Save',
      discard: 'Discard changes',
      saved: 'Saved.',
      confirmAddress: (email: string) => `Open the link mailed to ${email} to confirm the address.`,
      ownAccess: {
        title: 'Take away your own access?',
        text: 'This is your own account. You will not be able to undo this yourself.',
        action: 'Take it away',
      },
    },
    roles: {
      label: 'Roles',
      optional: 'optional',
      placeholder: 'Type a role',
      hint: 'Press Enter after each role.',
      invalid: 'A role starts with a letter and has only small letters, digits, “_” and “-”.',
      tooMany: 'A person has at most 20 roles.',
      remove: (role: string) => `Remove the role ${role}`,
      added: (role: string) => `Role added: ${role}`,
      removed: (role: string) => `Role removed: ${role}`,
    },
    conflict: {
      title: 'This person was changed in the meantime',
      yes: 'Yes',
      no: 'No',
    },
    ownAddress: {
      title: 'Enter your password',
      text: (email: string) =>
        `Changing your own address to ${email} requires your password. A link is mailed to the new address.`,
      password: 'Current password',
      action: 'Change the address',
    },
  },
  de: {
    fields: {
      name: 'Name',
      email: 'E-Mail-Adresse',
      roles: 'Rollen',
      is_verified: 'Adresse bestätigt',
      is_superuser: 'Superuser',
      is_active: 'Aktiv',
    },
    form: {
      emailHint: 'Eine neue Adresse gilt sofort und beendet alle Sitzungen.',
      ownEmailHint:
        'Ihre eigene neue Adresse gilt, sobald Sie sie mit dem Link bestätigen, der an sie gesendet wird.',
      activeHint: 'Die Person kann sich anmelden.',
      verifiedHint: 'Die Person hat bestätigt, dass ihr die Adresse gehört.',
      superuserHint: 'Darf alles sehen und ändern.',
      grants:
        'Die Adresse ist nicht bestätigt. Beim Speichern enden alle Sitzungen, das Passwort wird ungültig, und ein Link zum Wählen eines neuen wird gesendet.',
      save: 'Speichern',
      discard: 'Änderungen verwerfen',
      saved: 'Gespeichert.',
      confirmAddress: (email: string) =>
        `Öffnen Sie den Link, der an ${email} gesendet wurde, um die Adresse zu bestätigen.`,
      ownAccess: {
        title: 'Eigenen Zugang entziehen?',
        text: 'Das ist Ihr eigenes Konto. Sie können das nicht selbst rückgängig machen.',
        action: 'Entziehen',
      },
    },
    roles: {
      label: 'Rollen',
      optional: 'freiwillig',
      placeholder: 'Rolle eingeben',
      hint: 'Drücken Sie nach jeder Rolle die Eingabetaste.',
      invalid:
        'Eine Rolle beginnt mit einem Buchstaben und besteht aus Kleinbuchstaben, Ziffern, „_“ und „-“.',
      tooMany: 'Eine Person hat höchstens 20 Rollen.',
      remove: (role: string) => `Rolle ${role} entfernen`,
      added: (role: string) => `Rolle hinzugefügt: ${role}`,
      removed: (role: string) => `Rolle entfernt: ${role}`,
    },
    conflict: {
      title: 'Diese Person wurde inzwischen geändert',
      yes: 'Ja',
      no: 'Nein',
    },
    ownAddress: {
      title: 'Passwort eingeben',
      text: (email: string) =>
        `Um Ihre eigene Adresse in ${email} zu ändern, ist Ihr Passwort nötig. An die neue Adresse wird ein Link gesendet.`,
      password: 'Aktuelles Passwort',
      action: 'Adresse ändern',
    },
  },
});
