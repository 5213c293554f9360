import type { BrowserContext } from '@playwright/test';

import type { Account, People } from './people';

type Cookies = Parameters<BrowserContext['addCookies']>[0];

/** How long a session is used, in milliseconds. Its access cookie is valid for longer, and renewing it would end others. */
const USED = 5 * 60_000;

export interface Visitor {
  readonly superuser: boolean;
  readonly language: 'en' | 'de';
}

/** The accounts of tests that only look at pages: one of each kind, which stays signed in. */
export class Visitors {
  private readonly known = new Map<string, { account: Account; cookies: Cookies; until: number }>();

  constructor(
    private readonly people: People,
    private readonly agent: string,
  ) {}

  /** Sign a visitor of this kind in on a device, in place of another. Returns the account. */
  async visit(device: BrowserContext, { superuser, language }: Visitor): Promise<Account> {
    const kind = `${language} ${String(superuser)}`;
    await device.clearCookies();
    const found = this.known.get(kind);
    if (found && found.until > Date.now()) {
      await device.addCookies(found.cookies);
      return found.account;
    }
    const account = found?.account ?? (await this.people.open({ superuser, language, name: 'Ada Lovelace' }));
    const until = Date.now() + USED;
    await this.people.signIn(account, device, this.agent);
    this.known.set(kind, { account, cookies: await device.cookies(), until });
    return account;
  }
}
