import { errors } from './log-texts';

/** What an error says beyond the status: there was no answer, or it was a redirect. Otherwise undefined. */
export function explain({
  status,
  error,
}: {
  status: number | null;
  error: string | null;
}): string | undefined {
  if (error === null || (status !== null && (status < 300 || status >= 400))) return undefined;
  return errors()[error] ?? error;
}
