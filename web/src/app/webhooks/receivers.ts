/** Programs that receive deliveries and verify them, by their language. */
export const RECEIVERS = {
  Python: (secret: string) => `# pip install standardwebhooks
from http.server import BaseHTTPRequestHandler, HTTPServer

from standardwebhooks import Webhook

webhook = Webhook("${secret}")


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        event = webhook.verify(body, headers)  # raises for a forged request
        print(event["type"], event["data"])
        self.send_response(204)
        self.end_headers()


HTTPServer(("", 9000), Receiver).serve_forever()
`,
  JavaScript: (secret: string) => `// npm install standardwebhooks
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { Webhook } from 'standardwebhooks';

const webhook = new Webhook('${secret}');

createServer(async (request, response) => {
  try {
    const { type, data } = webhook.verify(await text(request), request.headers);
    console.log(type, data);
    response.writeHead(204).end();
  } catch {
    response.writeHead(401).end(); // a forged request
  }
}).listen(9000);
`,
};

export type ReceiverLanguage = keyof typeof RECEIVERS;
export const RECEIVER_LANGUAGES = Object.keys(RECEIVERS) as ReceiverLanguage[];
