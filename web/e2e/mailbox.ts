import { expect } from '@playwright/test';

interface Mail {
  readonly subject: string;
  readonly text: string;
}

/** The mails that the stack has sent. */
export class Mailbox {
  constructor(
    private readonly url: string,
    private readonly application: string,
  ) {}

  /** The mails to an address, newest first. */
  async list(to: string): Promise<Mail[]> {
    const answer = await fetch(`${this.url}/messages?to=${encodeURIComponent(to)}`);
    return (await answer.json()) as Mail[];
  }

  /**
   * Wait for a mail with a link to a page, and return the newest such link.
   * @param page such as `reset-password`
   * @param after an earlier link of that kind, which does not count
   */
  async link(to: string, page: string, after?: string): Promise<string> {
    let found: string | undefined;
    const find = async () => {
      for (const { text } of await this.list(to)) {
        const start = text.indexOf(`${this.application}/${page}#`);
        if (start >= 0) return text.slice(start).split(/\s/, 1)[0];
      }
      return undefined;
    };
    await expect
      .poll(async () => (found = await find()) !== undefined && found !== after, {
        message: `a mail to ${to} with a link to /${page}`,
        intervals: [50, 100, 200],
      })
      .toBe(true);
    return found ?? '';
  }

  /** Wait for a mail with this subject. */
  async subject(to: string, subject: string | RegExp): Promise<Mail> {
    let found: Mail | undefined;
    const fits = (mail: Mail) =>
      typeof subject === 'string' ? mail.subject === subject : subject.test(mail.subject);
    await expect
      .poll(async () => (found = (await this.list(to)).find(fits)), {
        message: `a mail to ${to} with the subject ${String(subject)}`,
        intervals: [50, 100, 200],
      })
      .toBeDefined();
    if (!found) throw new Error('unreachable');
    return found;
  }
}
