import type { BrowserContext } from '@playwright/test';
import { randomUUID } from 'node:crypto';

import type { Mailbox } from './mailbox';
import type { Credentials, Stack } from './stack';

export interface Account extends Credentials {
  readonly id: string;
}

export interface Kind {
  readonly superuser?: boolean;
  readonly verified?: boolean;
  readonly name?: string;
  /** Of the account and its mails. */
  readonly language?: 'en' | 'de';
}

/** Opens accounts through the API, each with an address of its own. */
export class People {
  private token: Promise<string> | undefined;
  private until = 0;

  constructor(
    private readonly stack: Stack,
    private readonly mailbox: Mailbox,
  ) {}

  /** An address that no account has. */
  address(): string {
    return `ada.${randomUUID().slice(0, 8)}@example.com`;
  }

  /** Open an account, verified unless it says otherwise. */
  async open({ superuser = false, verified = true, name, language }: Kind = {}): Promise<Account> {
    const credentials = { email: this.address(), password: `battery ${randomUUID()} staple` };
    const { id } = (await this.call('POST', '/auth/register', credentials, { language })) as { id: string };
    if (verified) {
      const link = await this.mailbox.link(credentials.email, 'verify');
      await this.call('POST', '/auth/verify', { token: link.split('#token=')[1] });
    }
    if (superuser || name) {
      await this.asRoot('PATCH', `/users/${id}`, { is_superuser: superuser, ...(name ? { name } : {}) });
    }
    return { id, ...credentials };
  }

  /** Sign an account in on a device, without its pages. */
  async signIn({ email, password }: Credentials, device: BrowserContext, userAgent: string): Promise<void> {
    const answer = await device.request.post(`${this.stack.url}/api/auth/cookie/login`, {
      form: { username: email, password },
      headers: { origin: this.stack.url, 'user-agent': userAgent },
    });
    if (!answer.ok()) throw new Error(`Signing in: ${answer.status()} ${await answer.text()}`);
  }

  /** Call the API as a superuser. Returns the decoded body. */
  async asRoot(method: string, path: string, body?: object): Promise<unknown> {
    return this.call(method, path, body, { token: await this.root() });
  }

  /** Call the API as an account. Returns the decoded body. */
  async as(who: Credentials, method: string, path: string, body?: object): Promise<unknown> {
    return this.call(method, path, body, { token: await this.bearer(who) });
  }

  private root(): Promise<string> {
    if (!this.token || Date.now() > this.until) {
      this.until = Date.now() + 10 * 60_000; // it is valid for 15 minutes
      this.token = this.bearer(this.stack.root);
    }
    return this.token;
  }

  private async bearer({ email, password }: Credentials): Promise<string> {
    const answer = await fetch(`${this.stack.url}/api/auth/jwt/login`, {
      method: 'POST',
      body: new URLSearchParams({ username: email, password }),
    });
    const { access_token: token } = (await answer.json()) as { access_token: string };
    return token;
  }

  private async call(
    method: string,
    path: string,
    body?: object,
    { token, language = 'en' }: { token?: string; language?: string } = {},
  ): Promise<unknown> {
    const answer = await fetch(`${this.stack.url}/api${path}`, {
      method,
      headers: {
        'content-type': 'application/json',
        'accept-language': language,
        ...(token ? { authorization: `Bearer ${token}` } : {}),
      },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return text ? JSON.parse(text) : undefined;
  }
}
