import { texts } from '../kernel/language';
import { explainProblems } from '../kernel/problem';

const minutes = (count: number) =>
  count < 60 ? `${String(count)} minutes` : count === 60 ? '1 hour' : `${String(count / 60)} hours`;
const minuten = (count: number) =>
  count < 60 ? `${String(count)} Minuten` : count === 60 ? '1 Stunde' : `${String(count / 60)} Stunden`;

export const t = texts({
  en: {
    heading: 'Log level',
    lead: 'Change what all processes write to their logs, for a time. They follow within seconds, without a restart.',
    now: 'In effect',
    standard: (level: string) => `Everything else is at ${level}, the level that the processes start with.`,
    none: (level: string) => `All loggers are at ${level}, the level that the processes start with.`,
    every: 'All loggers',
    left: 'resets in',
    ending: 'resets now',
    by: (who: string) => `set by ${who}`,
    deletedAccount: 'a deleted account',
    reset: 'Reset',
    resetOne: (logger: string) => `Reset ${logger}`,
    change: 'Change the level',
    logger: 'Loggers',
    loggerHint: 'A package includes those below it.',
    level: 'Level',
    levels: {
      DEBUG: 'each statement, call and task',
      INFO: 'each request and event',
      WARNING: 'only what is unusual',
      ERROR: 'only what needs an operator',
    },
    time: 'For',
    minutes,
    set: 'Set the level',
    done: (level: string) => `All processes write at ${level} within seconds.`,
    undone: 'The level was reset.',
    safe: 'Passwords, tokens, cookies and links are written at no level. Loggers of libraries cannot be changed, since some write what they send.',
  },
  de: {
    heading: 'Log-Level',
    lead: 'Ändern Sie für eine Zeit, was alle Prozesse in ihre Logs schreiben. Sie folgen innerhalb von Sekunden, ohne Neustart.',
    now: 'Zurzeit',
    standard: (level: string) => `Alles andere ist auf ${level}, dem Level, mit dem die Prozesse starten.`,
    none: (level: string) => `Alle Logger sind auf ${level}, dem Level, mit dem die Prozesse starten.`,
    every: 'Alle Logger',
    left: 'endet in',
    ending: 'endet jetzt',
    by: (who: string) => `gesetzt von ${who}`,
    deletedAccount: 'einem gelöschten Konto',
    reset: 'Zurücksetzen',
    resetOne: (logger: string) => `${logger} zurücksetzen`,
    change: 'Level ändern',
    logger: 'Logger',
    loggerHint: 'Ein Paket schließt alle darunter ein.',
    level: 'Level',
    levels: {
      DEBUG: 'jede Abfrage, jeder Aufruf, jede Aufgabe',
      INFO: 'jede Anfrage und jedes Ereignis',
      WARNING: 'nur Ungewöhnliches',
      ERROR: 'nur, was einen Eingriff braucht',
    },
    time: 'Für',
    minutes: minuten,
    set: 'Level setzen',
    done: (level: string) => `Alle Prozesse schreiben innerhalb von Sekunden auf ${level}.`,
    undone: 'Das Level wurde zurückgesetzt.',
    safe: 'Passwörter, Tokens, Cookies und Links werden auf keinem Level geschrieben. Logger von Bibliotheken können nicht geändert werden, da manche schreiben, was sie senden.',
  },
});

explainProblems({
  en: {
    LOGGER_UNKNOWN: 'The level of this logger cannot be changed.',
  },
  de: {
    LOGGER_UNKNOWN: 'Die Stufe dieses Loggers lässt sich nicht ändern.',
  },
});
