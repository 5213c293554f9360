import type { NotificationChannel, Preferences, PreferencesChange, Switch, SwitchValue } from '../api/models';

export const CHANNELS: readonly NotificationChannel[] = ['in_app', 'mail', 'push'];
/** The values of a channel, the one that sends most first. */
export const VALUES: Readonly<Record<NotificationChannel, readonly SwitchValue[]>> = {
  in_app: ['on', 'off'],
  mail: ['instant', 'digest', 'off'],
  push: ['on', 'off'],
};

/** What the person chose, by the key of a switch or by the field of the digest. Without a choice, a switch inherits. */
export type Choices = Readonly<Record<string, string | undefined>>;

export const keyOf = ({ group, channel }: Pick<Switch, 'group' | 'channel'>): string => `${group}-${channel}`;

export function choicesOf({ switches, digest }: Preferences): Choices {
  const own = switches.filter((each) => each.is_mine && !each.locked);
  return {
    ...Object.fromEntries(own.map((each) => [keyOf(each), each.value])),
    every: digest.every ?? 'day',
    hour: String(digest.hour ?? 8),
    zone: digest.zone ?? '',
  };
}

export function valueOf(each: Switch, choices: Choices): SwitchValue {
  if (each.locked) return each.value;
  return VALUES[each.channel].find((value) => value === choices[keyOf(each)]) ?? each.inherited;
}

/** The names of what differs. */
export function changed(before: Choices, after: Choices): string[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].filter(
    (name) => before[name] !== after[name],
  );
}

export function bodyOf({ switches }: Preferences, choices: Choices): PreferencesChange {
  const own = switches.filter((each) => !each.locked && choices[keyOf(each)] !== undefined);
  return {
    switches: own.map((each) => ({
      group: each.group,
      channel: each.channel,
      value: valueOf(each, choices),
    })),
    digest: {
      every: choices['every'] === 'hour' ? 'hour' : 'day',
      hour: Number(choices['hour']),
      zone: choices['zone'] || null,
    },
  };
}
