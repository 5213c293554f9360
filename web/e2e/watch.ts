import type { BrowserContext } from '@playwright/test';

/**
 * What a test must not cause on any page: errors in the console, exceptions, violations of the Content-Security-Policy
 * and of Trusted Types, requests to another host. A test that causes an error on purpose names it by `expect`.
 */
export class Watch {
  private readonly faults: string[] = [];
  // A page whose session the server has ended finds out by asking for its renewal, depending on what it hears first.
  private readonly expected: RegExp[] = [/status of 401 .*\/api\/auth\/refresh$/];

  constructor(private readonly origin: string) {}

  /** Allow errors whose text or address fits, such as `/status of 400/` for an answer 400. */
  expect(...patterns: RegExp[]): void {
    this.expected.push(...patterns);
  }

  /** The faults until now, without the expected ones. */
  found(): string[] {
    return this.faults.filter((fault) => !this.expected.some((pattern) => pattern.test(fault)));
  }

  async follow(device: BrowserContext): Promise<void> {
    device.on('console', (message) => {
      if (message.type() === 'error')
        this.faults.push(`console: ${message.text()} ${message.location().url}`);
    });
    device.on('weberror', (error) =>
      this.faults.push(`exception: ${error.error().stack ?? String(error.error())}`),
    );
    device.on('request', (request) => {
      const url = new URL(request.url());
      // Reads that are on their way when the person signs out are answered with 401, in each tab.
      if (url.pathname.endsWith('/logout')) this.expect(/status of 401/);
      if (/^(https?|wss?):/.test(url.protocol) && url.host !== new URL(this.origin).host) {
        this.faults.push(`request to another host: ${request.url()}`);
      }
    });
    // A policy that only reports says nothing in the console.
    await device.addInitScript(() => {
      document.addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI, sample }) => {
        console.error(`securitypolicyviolation ${violatedDirective} ${blockedURI} ${sample}`);
      });
    });
  }
}
