import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { Webhook, WebhookVerificationError } from 'standardwebhooks';

interface Received {
  readonly id: string;
  readonly type: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** An endpoint on this machine that verifies deliveries with the library that receivers use. */
export class Receiver {
  /** The status that it answers with, if the signature is valid. */
  status = 204;
  /** Without a secret, signatures are not verified. */
  secret = '';
  readonly received: Received[] = [];
  private readonly server: Server;

  private constructor() {
    this.server = createServer((request, response) => {
      void text(request).then((body) => {
        const headers = request.headers as Record<string, string>;
        const id = headers['webhook-id'] ?? '';
        const { type } = JSON.parse(body) as { type: string };
        const delivery = { id, type, headers, body };
        this.received.push(delivery);
        const valid = !this.secret || isValid(this.secret, delivery);
        response.writeHead(valid ? this.status : 401).end();
      });
    });
  }

  static async start(): Promise<Receiver> {
    const receiver = new Receiver();
    receiver.server.listen(0, '127.0.0.1');
    await once(receiver.server, 'listening');
    return receiver;
  }

  get url(): string {
    return `http://127.0.0.1:${String((this.server.address() as AddressInfo).port)}/hooks`;
  }

  /** The types of what was received, in the order of arrival. */
  get types(): string[] {
    return this.received.map(({ type }) => type);
  }

  stop(): void {
    this.server.close();
    this.server.closeAllConnections();
  }
}

/** Whether a delivery is signed with a secret. */
export function isValid(secret: string, { headers, body }: Pick<Received, 'headers' | 'body'>): boolean {
  try {
    new Webhook(secret).verify(body, headers);
    return true;
  } catch (error) {
    if (error instanceof WebhookVerificationError) return false;
    throw error;
  }
}
