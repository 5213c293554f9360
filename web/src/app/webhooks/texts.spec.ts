import { HttpErrorResponse } from '@angular/common/http';

import { speak } from '../kernel/language';
import { problemOf } from '../kernel/problem';
import './texts';

const DOCUMENT = { detail: 'Refused.', trace_id: 'abc' };
const refused = (status: number, code: string, errors: readonly object[] = []) =>
  problemOf(new HttpErrorResponse({ status, error: { ...DOCUMENT, code, errors } }));

afterEach(() => speak('en'));

it('says why an address of a webhook is refused, and a refusal of the feature, in German', () => {
  speak('de');
  const port = {
    pointer: '/url',
    detail: 'The URL must have the port 443 or 8443.',
    code: 'url_port',
    params: { ports: '443, 8443' },
  };
  const [error] = refused(422, 'VALIDATION_FAILED', [port]).errors;
  expect(error?.detail).toBe('Die Adresse muss einen dieser Ports haben: 443, 8443.');
  expect(refused(409, 'WEBHOOK_DISABLED').detail).toContain('Der Webhook ist deaktiviert');
});
