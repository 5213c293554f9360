import type { AuditEntry } from '../api/models';

/** The id of the account that an entry is about, or null. */
export function subjectOf({ data }: AuditEntry): string | null {
  const id: unknown = data?.['user_id'];
  return typeof id === 'string' ? id : null;
}
